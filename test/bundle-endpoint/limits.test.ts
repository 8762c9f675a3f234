import { connect as connectTcp, type Socket } from "node:net";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import { keepAliveAgent } from "../support/poll.ts";
import { runEndpoint } from "./endpoint-fixture.ts";

const POLL = "/p/bank-1/shop.example";

it("lets an address try 10 unknown tokens a minute, then answers 429, and goes on serving valid ones from there (S36)", async () => {
  await using running = await runEndpoint();
  const statuses = [];
  for (let attempt = 0; attempt < 12; attempt++)
    statuses.push((await running.spire(`/p/guess-${attempt}/shop.example`)).status);
  expect(statuses).toEqual([...Array(10).fill(404), 429, 429]);
  expect((await running.spire("/p/guess/shop.example")).headers["retry-after"]).toBe("6");
  expect((await running.spire(POLL)).status).toBe(200);
  expect((await running.spire("/p/guess/shop.example", { localAddress: "127.0.0.2" })).status).toBe(404);
});

it("lets a valid token poll in a burst, then at its rate (S36)", async () => {
  await using running = await runEndpoint({ limits: { pollBurst: 5, pollsPerSecond: 1 } });
  const agent = keepAliveAgent();
  const statuses = [];
  for (let poll = 0; poll < 6; poll++) statuses.push((await running.spire(POLL, { agent })).status);
  agent.destroy();
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
});

it("keeps a reserve of connections for an address that polled with success (S59)", async () => {
  await using running = await runEndpoint({ limits: { connectionsPerAddress: 3, reservedConnectionsPerAddress: 1 } });
  const { port } = running.endpoint.addresses.spiffe;
  const flood = (localAddress: string) => Promise.all([1, 2, 3].map(() => connected(port, localAddress)));
  const strangers = await flood("127.0.0.2");
  await expect(running.spire(POLL, { localAddress: "127.0.0.2" })).rejects.toThrow();

  await running.spire(POLL, { localAddress: "127.0.0.3" });
  const neighbours = await flood("127.0.0.3");
  expect((await running.spire(POLL, { localAddress: "127.0.0.3" })).status).toBe(200);
  expect(running.endpoint.counters().connectionsRefused).toBe(1);
  for (const socket of [...strangers, ...neighbours]) socket.destroy();
});

it("closes a connection that does not shake hands, send its headers or end its request in time (S58)", async () => {
  await using running = await runEndpoint({
    limits: {
      handshakeTimeoutMs: 150,
      headersTimeoutMs: 150,
      requestTimeoutMs: 300,
      keepAliveTimeoutMs: 150,
      connectionCheckMs: 50,
    },
  });
  const { port } = running.endpoint.addresses.spiffe;
  const silent = await connected(port, "127.0.0.1");
  const overTls = (text: string) => {
    const socket = connect({ port, rejectUnauthorized: false }, () => socket.write(text));
    return socket;
  };
  const slow = overTls("GET / HTTP/1.1\r\nHost:");
  const idle = overTls("");
  const bodyless = overTls(`GET ${POLL} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n`);
  let answer = "";
  slow.on("data", (part) => {
    answer += part;
  });
  bodyless.resume();
  idle.resume();
  await Promise.all([silent, slow, idle, bodyless].map(closed));
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
});

it("closes a connection after its last request (S58)", async () => {
  await using running = await runEndpoint({ limits: { requestsPerConnection: 2 } });
  const agent = keepAliveAgent();
  const connections = [];
  for (let poll = 0; poll < 3; poll++) connections.push((await running.spire(POLL, { agent })).headers.connection);
  agent.destroy();
  expect(connections).toEqual(["keep-alive", "close", "keep-alive"]);
});

it("takes nothing that was sent behind the last request of a connection, and says nothing to it (S58)", async () => {
  await using running = await runEndpoint({ limits: { requestsPerConnection: 2 } });
  const { port } = running.endpoint.addresses.web;
  let said = "";
  const socket = connect({ port, rejectUnauthorized: false }, () =>
    socket.write(`GET ${POLL} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(5)),
  );
  socket.on("data", (part) => {
    said += part;
  });
  await closed(socket);
  expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
  expect(running.endpoint.counters().replies200).toBe(2);
});

const connected = (port: number, localAddress: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host: "127.0.0.1", localAddress }, () => resolve(socket));
    socket.on("error", reject);
  });

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on("error", () => {});
    socket.once("close", () => resolve());
  });
