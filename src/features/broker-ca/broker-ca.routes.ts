import { change, type Endpoint, read } from "../../http/endpoint.ts";
import { parseOptionalText } from "../../text.ts";
import type { Broker } from "../broker.ts";
import { brokerView, newCaRollover, viewBroker } from "./broker-ca.schema.ts";
import { readBrokerCas, startRollover } from "./broker-ca.service.ts";

const tag = "Broker";

export const brokerCaEndpoints = (broker: Broker): Endpoint[] => [
  read({
    path: "/v1/broker",
    operationId: "readBroker",
    tag,
    summary: "Read the broker's own trust domain, its CAs, and what a roll-over does next",
    permission: "broker:read",
    answer: brokerView,
    refusals: [],
    async read(db) {
      return { body: viewBroker(broker, await readBrokerCas(db, broker.trustDomain)) };
    },
  }),
  change({
    method: "POST",
    path: "/v1/broker/ca-rollovers",
    operationId: "startCaRollover",
    tag,
    summary: "Begin to replace the broker's CA; the steps that follow are taken by the clock",
    permission: "broker:roll-over",
    body: newCaRollover,
    answer: brokerView,
    refusals: ["ca-rollover-under-way", "invalid-text"],
    async change(work, { body }) {
      await startRollover(work, broker, parseOptionalText(body.reason, "/reason"));
      return { body: async (db) => viewBroker(broker, await readBrokerCas(db, broker.trustDomain)) };
    },
  }),
];
