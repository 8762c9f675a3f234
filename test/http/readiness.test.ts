import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { pino } from "pino";
import { expect, it } from "vitest";
import { UNHINDERED } from "../../scripts/docs/examples/still-broker.ts";
import { buildApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config.ts";
import type { StoredBroker } from "../../src/features/broker.ts";

const unready = () =>
  buildApp({
    ...UNHINDERED,
    broker: {} as StoredBroker,
    health: { unreadiness: async () => ["storage"], metrics: async () => "" },
    limits: loadConfig({}, () => "").limits,
    logger: pino({ level: "silent" }),
    newRequestId: () => "req_1",
  });

it("L8: /readyz of what is not ready says why, and when to ask again", async () => {
  const app = await unready();
  const { statusCode, headers, body } = await app.inject("/readyz");
  expect([statusCode, headers["retry-after"], JSON.parse(body)]).toEqual([
    503,
    "1",
    { status: "not-ready", reasons: ["storage"] },
  ]);
  await app.close();
});

it("L7, S56: what a stopping broker is still asked is refused in a problem of its own, and the connection closed", async () => {
  const app = await unready();
  await app.listen({ host: "127.0.0.1", port: 0 });
  const socket = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
  let said = "";
  socket.setEncoding("latin1").on("data", (part: string) => {
    said += part;
  });
  // One segment: once the first is answered the server has begun to read the second, and the connection is not idle.
  socket.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /livez HTTP/1.1\r\n");
  while (!said.includes("}")) await once(socket, "data");
  const closed = app.close();
  await expect.poll(() => app.server.listening).toBe(false);
  const before = said.length;
  socket.write("Host: localhost\r\n\r\n");
  await once(socket, "close");
  await closed;
  const answer = said.slice(before);
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  for (const header of ["content-type: application/problem+json", "connection: close", "retry-after: 1"])
    expect(answer.toLowerCase()).toContain(`\r\n${header}`);
  expect(answer.toLowerCase()).toContain("\r\nx-content-type-options: nosniff");
  expect(answer).toContain('"code":"not-ready"');
});
