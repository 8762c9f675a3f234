import { pino } from "pino";
import { expect, it } from "vitest";
import { UNHINDERED } from "../../scripts/docs/examples/still-broker.ts";
import { buildApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config.ts";
import type { ErrorCode } from "../../src/errors.ts";
import type { StoredBroker } from "../../src/features/broker.ts";

it.each([
  ["a path that cannot be decoded", "GET", "/%zz", "not-found"],
  ["a whole URL of such a path", "GET", "http://localhost/%zz", "not-found"],
  ["an ID that is too long", "GET", `/v1/meshes/${"a".repeat(600)}`, "not-found"],
  ["a path that is not there", "GET", "/v1/nothing", "not-found"],
  ["a method that its path has not", "PATCH", "/livez", "method-not-allowed"],
] as const)("S70: the listener is told of %s before the answer leaves", async (_, method, url, code) => {
  const told: ErrorCode[] = [];
  const app = await buildApp({
    ...UNHINDERED,
    broker: {} as StoredBroker,
    health: { unreadiness: async () => [], metrics: async () => "" },
    limits: loadConfig({}, () => "").limits,
    logger: pino({ level: "silent" }),
    newRequestId: () => "req_1",
    refusals: {
      async refused(request, refusal) {
        expect(request).toEqual({ endpoint: undefined, caller: undefined, meshId: undefined });
        await Promise.resolve();
        told.push(refusal.code);
      },
    },
  });
  const { body, headers } = await app.inject({ method, url });
  expect([JSON.parse(body).code, told]).toEqual([code, [code]]);
  expect(headers["cache-control"]).toBe("no-store");
  await app.close();
});
