import { pino } from "pino";
import { expect, it } from "vitest";
import { UNHINDERED } from "../../scripts/docs/examples/still-broker.ts";
import { buildApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config.ts";
import type { StoredBroker } from "../../src/features/broker.ts";

it("L8: /readyz of what is not ready says why, and when to ask again", async () => {
  const app = await buildApp({
    ...UNHINDERED,
    broker: {} as StoredBroker,
    health: { unreadiness: async () => ["storage"], metrics: async () => "" },
    limits: loadConfig({}, () => "").limits,
    logger: pino({ level: "silent" }),
    newRequestId: () => "",
  });
  const { statusCode, headers, body } = await app.inject("/readyz");
  expect([statusCode, headers["retry-after"], JSON.parse(body)]).toEqual([
    503,
    "1",
    { status: "not-ready", reasons: ["storage"] },
  ]);
  await app.close();
});
