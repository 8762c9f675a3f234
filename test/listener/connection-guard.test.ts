import { once } from "node:events";
import { get } from "node:https";
import { connect as connectTcp, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { registerAuthorities } from "../../src/client/operations.ts";
import { UNLIMITED } from "../api/api-fixture.ts";
import { heldConnections } from "../support/held-connections.ts";
import { federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";

/** Clients have addresses of their own, and the kernel is asked which sockets are left. */
const IS_LINUX = process.platform === "linux";
const onLinux = describe.skipIf(!IS_LINUX);
const PER_ADDRESS = 12;
const UNREAD_MS = 500;
const broker = await runBroker({
  ...UNLIMITED,
  ENTENTE_LIMITS_AUTHORITIES_PER_MESH: "1000",
  ENTENTE_LIMITS_POLL_BURST: "100000",
  ENTENTE_LIMITS_HANDSHAKE_TIMEOUT_MS: "2000",
  ENTENTE_LIMITS_HEADERS_TIMEOUT_MS: "500",
  ENTENTE_LIMITS_REQUEST_TIMEOUT_MS: "1000",
  ENTENTE_LIMITS_KEEP_ALIVE_TIMEOUT_MS: "100",
  ENTENTE_LIMITS_CONNECTION_CHECK_MS: "100",
  ENTENTE_LIMITS_UNREAD_ANSWER_MS: String(UNREAD_MS),
  ENTENTE_LIMITS_CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS),
  ENTENTE_LIMITS_ADMIN_CONNECTIONS_PER_ADDRESS: String(PER_ADDRESS),
});
const opened: Socket[] = [];
afterAll(() => {
  for (const socket of opened) socket.destroy();
  return broker.remove();
});
const shop = await registerMesh(broker, "shop");
const bank = await registerMesh(broker, "bank");
await federate(broker, shop, bank);
const { trustDomain } = shop;
for (let n = 0; n < 5; n++) {
  const pem = Array.from({ length: 20 }, () => testCa({ trustDomain, kind: "p256" }).certificatePem).join("");
  await registerAuthorities(broker.as(shop.token), { path: { meshId: "shop" }, body: { pem } });
}
const poll = `/p/${bank.pollerToken}/${trustDomain}`;

const LISTENERS = [
  { name: "the admin API", url: broker.addresses.admin, large: "/v1/openapi.json" },
  { name: "the bundle endpoint, https_spiffe", url: broker.addresses.bundleSpiffe, large: poll },
  { name: "the bundle endpoint, https_web", url: broker.addresses.bundleWeb, large: poll },
];

const ASKED = "HTTP/1.1\r\nHost: localhost\r\n";
/** A message of TLS that says it is longer than what comes. */
const HALF_A_CLIENT_HELLO = Buffer.from("1603010200010001fc0303", "hex");
/** More than the system takes of an answer that nobody reads. */
const LARGE_BYTES = 12 * 1_048_576;
let addresses = 0;
/** One that no other client has. */
const newAddress = (): string => `127.0.1.${++addresses}`;

/** Of a client that keeps its half open, whatever the server does. */
async function tcp(port: number, localAddress: string): Promise<Socket> {
  const socket = connectTcp({ host: "127.0.0.1", port, localAddress, allowHalfOpen: true });
  socket.on("error", () => {});
  opened.push(socket);
  await once(socket, "connect");
  return socket;
}

async function tls(port: number, localAddress: string, said = ""): Promise<TLSSocket> {
  const raw = await tcp(port, localAddress);
  const socket = connectTls({ socket: raw, rejectUnauthorized: false });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  socket.write(said);
  return socket;
}

/** Resolves with all that came, once the server has ended its side. */
function read(socket: Socket): Promise<string> {
  let said = "";
  socket.setEncoding("latin1").on("data", (part: string) => {
    said += part;
  });
  return new Promise((resolve) => {
    for (const ending of ["end", "close"]) socket.once(ending, () => resolve(said));
  });
}

/** What another client is answered meanwhile. */
const statusForAnother = (port: number): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const localAddress = newAddress();
    get(
      { host: "127.0.0.1", port, path: "/livez", localAddress, rejectUnauthorized: false, agent: false },
      (response) => {
        response.resume().once("end", () => resolve(response.statusCode));
      },
    ).once("error", reject);
  });

/** So many times that the system does not take all of the answers. */
async function askMuch(port: number, from: string, path: string): Promise<TLSSocket> {
  const last = `GET ${path} ${ASKED}Connection: close\r\n\r\n`;
  const { length } = await read(await tls(port, newAddress(), last));
  return tls(port, from, `GET ${path} ${ASKED}\r\n`.repeat(Math.ceil(LARGE_BYTES / length)) + last);
}

interface Case {
  readonly name: string;
  readonly over: typeof tcp | typeof tls;
  readonly says?: string | Buffer;
  /** How what it is told begins, where it is told anything. */
  readonly answer?: RegExp;
}

const ONLY_200 = /^HTTP\/1\.1 200 (?!.*HTTP\/1\.1 )/s;

const CASES: readonly Case[] = [
  { name: "says nothing", over: tcp },
  { name: "says half a ClientHello", over: tcp, says: HALF_A_CLIENT_HELLO },
  { name: "speaks no TLS", over: tcp, says: `GET /livez ${ASKED}\r\n` },
  { name: "says nothing after its handshake", over: tls, answer: /^HTTP\/1\.1 408 / },
  { name: "says half a request's head", over: tls, says: `GET / ${ASKED}`, answer: /^HTTP\/1\.1 408 / },
  { name: "asks for a tunnel", over: tls, says: `CONNECT a:1 ${ASKED}\r\n`, answer: /^HTTP\/1\.1 405 / },
  {
    name: "asks for a tunnel with a body that does not come",
    over: tls,
    says: `CONNECT a:1 ${ASKED}Content-Length: 9\r\n\r\n`,
    answer: /^HTTP\/1\.1 405 /,
  },
  { name: "says what is no request", over: tls, says: "once upon a time\r\n\r\n", answer: /^HTTP\/1\.1 400 / },
  {
    name: "says what is no request behind one",
    over: tls,
    says: `GET /livez ${ASKED}\r\nonce upon a time\r\n\r\n`,
    answer: ONLY_200,
  },
  {
    name: "asks for a tunnel behind a request",
    over: tls,
    says: `GET /livez ${ASKED}\r\nCONNECT a:1 ${ASKED}\r\n`,
    answer: ONLY_200,
  },
  {
    name: "asks again behind a last request",
    over: tls,
    says: `GET /livez ${ASKED}Connection: close\r\n\r\nGET / ${ASKED}\r\n`,
    answer: ONLY_200,
  },
  {
    name: "does not end a body that nobody wants",
    over: tls,
    says: `POST / ${ASKED}Content-Length: 9\r\n\r\n`,
    answer: /^HTTP\/1\.1 40[45] (?!.*HTTP\/1\.1 )/s,
  },
  { name: "is idle behind its answer", over: tls, says: `GET /livez ${ASKED}\r\n`, answer: /^HTTP\/1\.1 200 / },
];

/** All at once: most of it is to wait for what ends them. */
const EVERY_CASE = LISTENERS.flatMap(({ name, url }) =>
  CASES.map((each) => ({ ...each, listener: name, port: Number(new URL(url).port) })),
);
it.concurrent.for(IS_LINUX ? EVERY_CASE : [])(
  "S58: $listener lets go of a client that $name and keeps its half open, and serves others meanwhile",
  async ({ port, over, says = "", answer }, { expect }) => {
    const client = newAddress();
    const sockets = await Promise.all([1, 2, 3].map(() => over(port, client)));
    for (const socket of sockets) socket.write(says);
    const told = Promise.all(sockets.map(read));
    // Connections are accepted in their order: once this one is served, those before it were taken.
    expect(await statusForAnother(port)).toBe(200);
    if (answer) for (const each of await told) expect(each).toMatch(answer);
    await expect.poll(() => heldConnections(port, client), { timeout: 10_000 }).toBe(0);
  },
);

onLinux.each(LISTENERS)("$name", ({ url, large }) => {
  const port = Number(new URL(url).port);
  const allGone = (client: string) => expect.poll(() => heldConnections(port, client), { timeout: 10_000 }).toBe(0);

  it("S58: lets go of a client that does not read its answers, and serves others meanwhile", async () => {
    const client = newAddress();
    for (let n = 0; n < 3; n++) await askMuch(port, client, large);
    expect(await statusForAnother(port)).toBe(200);
    await allGone(client);
  });

  it("S58: serves to the end a client that reads slowly", async () => {
    const socket = await askMuch(port, newAddress(), large);
    const begun = performance.now();
    let bytes = 0;
    let unrested = 0;
    for await (const part of socket) {
      bytes += part.length;
      unrested += part.length;
      if (unrested < 1_048_576) continue;
      unrested = 0;
      await setTimeout(UNREAD_MS / 5);
    }
    expect(bytes).toBeGreaterThan(LARGE_BYTES);
    expect(performance.now() - begun).toBeGreaterThan(2 * UNREAD_MS);
  });

  it("S59: refuses what is too many of one address, and serves others meanwhile", async () => {
    const client = newAddress();
    await Promise.all(Array.from({ length: PER_ADDRESS + 3 }, () => tcp(port, client)));
    expect(await statusForAnother(port)).toBe(200);
    expect(heldConnections(port, client)).toBe(PER_ADDRESS);
    await allGone(client);
  });
});

onLinux("the admin API", () => {
  const port = Number(new URL(broker.addresses.admin).port);

  it("S58: does nothing of a change whose end comes after it was told that it is too late", async () => {
    const body = JSON.stringify({ trustDomain: "too-late.example" });
    const headers = `Authorization: Bearer ${broker.operatorToken}\r\nContent-Type: application/json\r\n`;
    const length = `Content-Length: ${body.length}\r\n`;
    const client = newAddress();
    const socket = await tls(port, client, `POST /v1/invitations ${ASKED}${headers}${length}\r\n{`);
    expect(await read(socket)).toMatch(/^HTTP\/1\.1 408 /);
    socket.write(body.slice(1));
    await expect.poll(() => heldConnections(port, client), { timeout: 10_000 }).toBe(0);
    const { text } = await broker.api("GET", "/v1/invitations", { token: broker.operatorToken });
    expect(text).not.toContain("too-late");
  });

  it("S59: keeps a reserve for an address with a login that held in the last hour", async () => {
    const client = newAddress();
    const who = `Authorization: Bearer ${broker.operatorToken}\r\nConnection: close\r\n`;
    await read(await tls(port, client, `GET /v1/broker ${ASKED}${who}\r\n`));
    await expect.poll(() => heldConnections(port, client)).toBe(0);
    await Promise.all(Array.from({ length: PER_ADDRESS }, () => tcp(port, client)));
    const said = await read(await tls(port, client, `GET /livez ${ASKED}\r\n`));
    expect(said).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("tells in its metrics how many connections it has and has refused", async () => {
    const { text } = await broker.api("GET", "/metrics", { token: broker.operatorToken });
    expect(text).toMatch(/^entente_admin_api\{counter="connectionsOpen"\} [1-9]/m);
    expect(text).toMatch(/^entente_admin_api\{counter="connectionsRefused"\} [1-9]/m);
    expect(text).toMatch(/^entente_admin_api\{counter="tlsFailures"\} [1-9]/m);
  });
});

it.skipIf(!IS_LINUX)("L7: what is in its handshake, or was given up, holds up no stop", async () => {
  const stopping = await runBroker({
    ENTENTE_SHUTDOWN_GRACE_SECONDS: "0",
    ENTENTE_LIMITS_HANDSHAKE_TIMEOUT_MS: "60000",
  });
  onTestFinished(() => stopping.remove());
  for (const url of Object.values(stopping.addresses)) {
    const port = Number(new URL(url).port);
    await tcp(port, newAddress());
    await read(await tls(port, newAddress(), `CONNECT a:1 ${ASKED}\r\n`));
  }
  const begun = performance.now();
  await stopping.close();
  expect(performance.now() - begun).toBeLessThan(5_000);
});
