import { randomBytes } from "node:crypto";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import type { PollerInput } from "../../src/views/publication-inputs.ts";
import { keepAliveAgent } from "../support/poll.ts";
import { change } from "../views/publication-fixture.ts";
import { FEDERATED, pollerOf, type RunningEndpoint, runEndpoint } from "./endpoint-fixture.ts";

const POLL = "/p/bank-1/shop.example";

/** Polls as these clients, one after the other, and says which of them were told of. */
async function told(running: RunningEndpoint, ...userAgents: readonly (string | undefined)[]): Promise<string[]> {
  const before = running.clients.length;
  for (const userAgent of userAgents)
    await running.spire(POLL, { headers: userAgent === undefined ? {} : { "user-agent": userAgent } });
  await running.endpoint.flush();
  return running.clients.slice(before).map(({ products }) => products);
}

it("S35: each kind of client that polls with a poller's URL is told of once, with its address and time", async () => {
  await using running = await runEndpoint();
  const before = Date.now();
  expect(await told(running, "Go-http-client/1.1", "Go-http-client/2.0", "curl/8.7.1", undefined, "curl/9")).toEqual([
    "Go-http-client",
    "curl",
    "",
  ]);
  expect(await told(running, undefined, "curl/8.7.1", "Go-http-client/1.1")).toEqual([]);
  for (const client of running.clients) {
    expect(client).toMatchObject({ pollerId: "bank-1", source: "127.0.0.1" });
    expect(client.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(client.at).toBeGreaterThanOrEqual(before);
  }
  expect(new Set(running.clients.map(({ fingerprint }) => fingerprint)).size).toBe(3);
});

it("S35: a known client sends nothing more, over connections that it keeps or makes anew, by either profile", async () => {
  await using running = await runEndpoint();
  const agent = keepAliveAgent();
  for (let poll = 0; poll < 20; poll++) await running.spire(POLL, { agent });
  agent.destroy();
  for (let poll = 0; poll < 3; poll++) await running.istiod(`${POLL}/pem`);
  const { etag = "" } = (await running.spire(POLL)).headers;
  expect((await running.spire(POLL, { headers: { "if-none-match": etag } })).status).toBe(304);
  await running.endpoint.flush();
  expect(running.clients).toHaveLength(1);
});

it("S35: what is not answered with a bundle of a poller's tells of nobody", async () => {
  await using running = await runEndpoint();
  for (const path of ["/bundle", "/p/bank-1/absent.example", "/p/unknown/shop.example", "/livez"])
    await running.spire(path);
  await running.spire(POLL, { method: "POST" });
  await running.endpoint.flush();
  expect(running.clients).toEqual([]);
  await running.spire(POLL, { method: "HEAD" });
  await running.endpoint.flush();
  expect(running.clients).toHaveLength(1);
});

it("S35: of a poller eight kinds are told of, however many poll with its URL, and of another poller its own", async () => {
  const pollers = [pollerOf("bank-1"), pollerOf("bank-2")];
  await using running = await runEndpoint({ loaded: { ...FEDERATED, pollers } });
  const names = Array.from({ length: 12 }, (_, index) => `client-${index}`);
  expect(await told(running, ...names)).toEqual(names.slice(0, 8));
  expect(await told(running, ...names)).toEqual([]);
  await running.spire("/p/bank-2/shop.example", { headers: { "user-agent": "client-11" } });
  await running.endpoint.flush();
  expect(running.clients.at(-1)).toMatchObject({ pollerId: "bank-2", products: "client-11" });
});

it("S35: a poller that was changed is told of anew: the store knows whether that is news", async () => {
  await using running = await runEndpoint();
  expect(await told(running, "curl", "curl")).toEqual(["curl"]);
  const pollers: PollerInput[] = [pollerOf("bank-1", { expiresAt: Date.now() + 60_000 })];
  await running.endpoint.apply(change(20, { pollers }));
  expect(await told(running, "curl", "curl")).toEqual(["curl"]);
});

it("S35: libraries that shake hands otherwise are of two kinds, though they say that they are the same", async () => {
  await using running = await runEndpoint();
  const { port } = running.endpoint.addresses.spiffe;
  const poll = (sigalgs: string, maxVersion: "TLSv1.2" | "TLSv1.3") =>
    new Promise<void>((resolve, reject) => {
      const socket = connect({ port, rejectUnauthorized: false, sigalgs, maxVersion }, () =>
        socket.write(`GET ${POLL} HTTP/1.1\r\nHost: a\r\nUser-Agent: same/1\r\nConnection: close\r\n\r\n`),
      );
      socket.on("data", () => {});
      socket.once("close", resolve).once("error", reject);
    });
  const go = "ecdsa_secp256r1_sha256:ed25519";
  for (const sigalgs of [go, `${go}:ed448`, `rsa_pss_rsae_sha256:${go}`, "ecdsa_secp256r1_sha256"])
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) await poll(sigalgs, version);
  await running.endpoint.flush();
  expect(running.clients.map(({ products }) => products)).toEqual(["same", "same", "same"]);
});

it("S35: a client that offers to resume its session is not taken for another", async () => {
  await using running = await runEndpoint();
  const { port } = running.endpoint.addresses.spiffe;
  let session: Buffer | undefined;
  for (const maxVersion of ["TLSv1.2", "TLSv1.2", "TLSv1.3", "TLSv1.3"] as const)
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ port, rejectUnauthorized: false, session, maxVersion }, () => {
        session = socket.getSession();
        socket.write(`GET ${POLL} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      });
      socket.on("session", (next) => {
        session = next;
      });
      socket.on("data", () => {});
      socket.once("close", resolve).once("error", reject);
    });
  await running.endpoint.flush();
  expect(session).toBeDefined();
  expect(running.clients).toHaveLength(1);
});

it("S35, S53: whatever stands in its User-Agent, a poll is served, and what is told of it is a few plain names", async () => {
  await using running = await runEndpoint();
  const hostile = [
    "(",
    "((((".repeat(500),
    "=cmd()",
    "a\\",
    "\u00ff\u00fe",
    "`$x`",
    randomBytes(600).toString("base64"),
  ];
  for (const userAgent of hostile)
    expect((await running.spire(POLL, { headers: { "user-agent": userAgent } })).status).toBe(200);
  await running.endpoint.flush();
  for (const { products } of running.clients) expect(products).toMatch(/^(?:[A-Za-z][\w.-]{0,31}(?: |$)){0,4}$/);
});

it("S35: a kind that the store cannot take is offered again, while polls go on", async () => {
  let refusals = 0;
  const taken: string[] = [];
  await using running = await runEndpoint({
    onClients: async (batch) => {
      if (refusals++ === 0) throw new Error("the database is away");
      taken.push(...batch.map(({ products }) => products));
    },
  });
  await running.spire(POLL, { headers: { "user-agent": "curl" } });
  await expect.poll(() => refusals).toBe(1);
  expect((await running.spire(POLL, { headers: { "user-agent": "wget" } })).status).toBe(200);
  await running.endpoint.flush();
  expect(taken).toEqual(["curl", "wget"]);
});
