import Type, { type Static } from "typebox";
import { meshId, strictObject, time, trustDomain } from "../../http/schemas.ts";
import { toRfc3339 } from "../../time.ts";
import type { LedgerEntry } from "./delivery.ts";

const consumerEntry = strictObject({
  pollerId: Type.String(),
  trustDomain,
  sequence: Type.Integer({ description: "The `spiffe_sequence` that it was served last." }),
  revision: Type.Union([Type.Integer(), Type.Null()], {
    description: "Position of that revision; null for a tombstone.",
  }),
  projection: Type.Enum(["spiffe", "istio", "pem"]),
  at: time("When it was served last."),
  current: Type.Boolean({ description: "It is what the trust domain publishes now." }),
});
const providerEntry = strictObject({
  meshId,
  pollerId: Type.String({ description: "Opaque: the same for the same poller." }),
  sequence: Type.Integer(),
  at: time("When it was served last."),
  current: Type.Boolean(),
});
export const ledger = strictObject(
  {
    asConsumer: Type.Array(consumerEntry, { description: "What this mesh's pollers hold." }),
    asProvider: Type.Array(providerEntry, { description: "Who holds the bundle of this mesh's trust domain." }),
  },
  { $id: "Deliveries" },
);
export const ledgerParams = strictObject({ meshId });

export const viewAsConsumer = (entry: LedgerEntry): Static<typeof consumerEntry> => ({
  pollerId: entry.pollerId,
  trustDomain: entry.trustDomain,
  sequence: entry.sequence,
  revision: entry.revision,
  projection: entry.projection,
  at: toRfc3339(entry.at),
  current: entry.current,
});

/** Of a peer's poller: mesh ID, an opaque ID, sequence and time, and nothing else (S21). */
export const viewAsProvider = (entry: LedgerEntry): Static<typeof providerEntry> => ({
  meshId: entry.meshId,
  pollerId: entry.pollerId,
  sequence: entry.sequence,
  at: toRfc3339(entry.at),
  current: entry.current,
});
