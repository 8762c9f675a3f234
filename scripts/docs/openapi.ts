import { pino } from "pino";
import { stringify } from "yaml";
import { buildApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config.ts";
import type { Broker } from "../../src/features/broker.ts";
import type { Document } from "./document.ts";

/** The contract, from the endpoints themselves. Nothing is started: no handler runs. */
export const openapi: Document = {
  path: "openapi.yaml",
  async render() {
    const app = await buildApp({
      broker: {} as Broker,
      health: { unreadiness: async () => [], metrics: async () => "" },
      refusals: { refused: async () => {} },
      limits: loadConfig({}, () => "").limits,
      throttle: { beforeLogin: () => {}, failedLogin: () => {}, request: () => {} },
      onAuthenticated: () => {},
      logger: pino({ level: "silent" }),
      newRequestId: () => "",
    });
    const document = app.swagger();
    await app.close();
    return `# Generated from the route schemas by "npm run generate"; a test fails when it drifts.\n${stringify(document, { lineWidth: 120, aliasDuplicateObjects: false })}`;
  },
};
