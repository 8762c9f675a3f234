import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, describe, expect, it } from "vitest";
import { runBroker } from "../support/running-broker.ts";

const broker = await runBroker();
afterAll(() => broker.remove());

const MIB = 1_048_576;
const { hostname, port } = new URL(broker.addresses.admin);

const head = (length: string, token = broker.operatorToken) =>
  `POST /v1/invitations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
  `Content-Type: application/json\r\n${length}\r\n\r\n`;

async function connected(): Promise<TLSSocket> {
  const socket = connect({ host: hostname, port: Number(port), ca: broker.adminCa, servername: "localhost" });
  await once(socket, "secureConnect");
  return socket;
}

/** Writes, each part when the one before has left; rejects where the connection breaks. */
async function write(socket: TLSSocket, parts: Iterable<string>): Promise<void> {
  for (const part of parts)
    await new Promise<void>((resolve, reject) => socket.write(part, (error) => (error ? reject(error) : resolve())));
}

/** All that comes until the connection ends. */
async function read(socket: TLSSocket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (more) => (text += more));
  await once(socket, "close");
  return text;
}

function* body(bytes: number, part = 16_384): Generator<string> {
  for (let sent = 0; sent < bytes; sent += part) yield "x".repeat(part);
}

function* chunked(bytes: number, part = 16_384): Generator<string> {
  for (const text of body(bytes, part)) yield `${part.toString(16)}\r\n${text}\r\n`;
  yield "0\r\n\r\n";
}

describe("S1: a client that writes a body which is too large before it reads has the 413", () => {
  it.each([
    ["in chunks", "Transfer-Encoding: chunked", chunked(2 * MIB)],
    ["with its length", `Content-Length: ${2 * MIB}`, body(2 * MIB)],
    ["in chunks, a little too large", "Transfer-Encoding: chunked", chunked(80_000)],
  ])("%s", async (_, length, parts) => {
    const socket = await connected();
    await write(socket, [head(length)]);
    await write(socket, parts);
    const answer = await read(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*connection: close.*"code":"body-too-large"/is);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it("and nothing that comes behind it is taken", async () => {
    const socket = await connected();
    const name = "behind-a-refused-one";
    const next = JSON.stringify({ trustDomain: `${name}.example`, meshId: name });
    const parts = [...chunked(300_000)];
    parts.push(`${parts.pop()}${head(`Content-Length: ${next.length}`)}${next}`);
    await write(socket, [head("Transfer-Encoding: chunked"), ...parts]).catch(() => {});
    expect((await read(socket)).match(/HTTP\/1\.1/g)).toHaveLength(1);
    const { text } = await broker.api("GET", "/v1/invitations", { token: broker.operatorToken });
    expect(text).not.toContain(name);
  });

  it("S4, S58: one that goes on is cut off, by time and by amount", async () => {
    const slow = await connected();
    await write(slow, [head("Transfer-Encoding: chunked"), ...[...chunked(80_000)].slice(0, -1)]);
    const begun = performance.now();
    expect(await read(slow)).toMatch(/^HTTP\/1\.1 413 /);
    expect(performance.now() - begun).toBeGreaterThan(1_000);
    expect(performance.now() - begun).toBeLessThan(8_000);

    const endless = await connected();
    endless.on("error", () => {});
    let sent = 0;
    const counted = function* () {
      for (const part of chunked(1_024 * MIB)) {
        sent += part.length;
        yield part;
      }
    };
    await expect(
      write(endless, [head("Transfer-Encoding: chunked")]).then(() => write(endless, counted())),
    ).rejects.toThrow();
    expect(sent).toBeLessThan(64 * MIB);
  }, 30_000);
});
