import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
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
  await once(socket, "connect");
  socket.write("GET /livez HTTP/1.1\r\n");
  // Until the server has begun to read it: from then on the connection is not idle.
  await wait(100);
  const closed = app.close();
  await wait(20);
  socket.write("Host: localhost\r\n\r\n");
  const said = await text(socket);
  await closed;
  expect(said).toMatch(/^HTTP\/1\.1 503 /);
  for (const header of ["content-type: application/problem+json", "connection: close", "retry-after: 1"])
    expect(said.toLowerCase()).toContain(`\r\n${header}`);
  expect(said.toLowerCase()).toContain("\r\nx-content-type-options: nosniff");
  expect(said).toContain('"code":"not-ready"');
});
