import Type, { type Static } from "typebox";
import { meshId, strictObject, time, trustDomain } from "../../http/schemas.ts";
import { toRfc3339 } from "../../time.ts";
import type { LedgerEntry } from "./delivery.ts";

export const delivery = strictObject(
  {
    pollerId: Type.String(),
    trustDomain,
    sequence: Type.Integer({ description: "The `spiffe_sequence` that it was served last." }),
    revision: Type.Union([Type.Integer(), Type.Null()], {
      description: "Position of that revision; null for a tombstone.",
    }),
    projection: Type.Enum(["spiffe", "istio", "pem"]),
    at: time("When it was served last."),
    current: Type.Boolean({ description: "It is what the trust domain publishes now." }),
  },
  { $id: "Delivery" },
);
export const holder = strictObject(
  {
    meshId,
    pollerId: Type.String({ description: "Opaque: the same for the same poller." }),
    sequence: Type.Integer(),
    at: time("When it was served last."),
    current: Type.Boolean(),
  },
  { $id: "Holder" },
);
export const ledgerParams = strictObject({ meshId });

export const viewDelivery = (entry: LedgerEntry): Static<typeof delivery> => ({
  pollerId: entry.pollerId,
  trustDomain: entry.trustDomain,
  sequence: entry.sequence,
  revision: entry.revision,
  projection: entry.projection,
  at: toRfc3339(entry.at),
  current: entry.current,
});

/** Of a peer's poller: mesh ID, an opaque ID, sequence and time, and nothing else (S21). */
export const viewHolder = (entry: LedgerEntry): Static<typeof holder> => ({
  meshId: entry.meshId,
  pollerId: entry.pollerId,
  sequence: entry.sequence,
  at: toRfc3339(entry.at),
  current: entry.current,
});
