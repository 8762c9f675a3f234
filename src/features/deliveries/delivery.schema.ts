import Type, { type Static } from "typebox";
import { meshId, orNull, strictObject, time, trustDomain } from "../../http/schemas.ts";
import { toRfc3339 } from "../../time.ts";
import type { Holder, LedgerEntry } from "./delivery.ts";

const current = Type.Boolean({
  description:
    "It is the revision that the trust domain publishes now: false of the empty bundle after an access ended, true until then. " +
    "A consumer that distrusts an authority is served the same revision without it, under a greater `sequence`.",
});

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
    current,
  },
  { $id: "Delivery" },
);
export const holder = strictObject(
  {
    meshId,
    pollerId: Type.String({ description: "Opaque: the same for the same poller." }),
    sequence: orNull(
      Type.Integer({
        description:
          "Of the trust domain's own revision that it was served last; null for an empty bundle after its access ended.",
      }),
    ),
    at: time("When it was served last."),
    current,
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

/** Of a peer's poller: mesh ID, an opaque ID, the revision's sequence and time, and nothing else (S21). */
export const viewHolder = (entry: Holder): Static<typeof holder> => ({
  meshId: entry.meshId,
  pollerId: entry.pollerId,
  sequence: entry.revisionSequence,
  at: toRfc3339(entry.at),
  current: entry.current,
});
