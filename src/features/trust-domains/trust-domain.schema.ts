import Type, { type Static } from "typebox";
import { sequenceOf } from "../../bundle/sequence.ts";
import { meshId, orNull, ownReason, strictObject, time, trustDomain, warnings } from "../../http/schemas.ts";
import { toRfc3339, toRfc3339OrNull } from "../../time.ts";
import { MEMBERSHIP_DECISIONS, type Membership, type TrustDomainRecord } from "./trust-domain-record.ts";

export const trustDomainParams = strictObject({ trustDomain });
export const revisionParams = strictObject({
  trustDomain,
  sequence: Type.String({ maxLength: 20, description: "The revision's `spiffe_sequence`." }),
});

export const membership = strictObject(
  {
    meshId,
    state: Type.Enum(["pending", "granted", "denied", "expelled"]),
    requestedAt: time("When the mesh registered."),
    decidedAt: orNull(time("When the owner decided last.")),
    reason: orNull(Type.String()),
  },
  { $id: "Membership" },
);
export const membershipDecision = strictObject(
  {
    meshId,
    decision: Type.Enum([...MEMBERSHIP_DECISIONS]),
    reason: ownReason,
    force: Type.Optional(
      Type.Boolean({ description: "Expel also where nothing would be left in the trust domain's bundle." }),
    ),
  },
  { $id: "MembershipDecision" },
);

export const trustDomainView = strictObject(
  {
    trustDomain,
    owner: orNull(
      Type.String({ description: "The mesh whose admins decide; null for the broker's own and one given back." }),
    ),
    members: Type.Array(meshId),
    sequence: orNull(Type.Integer({ description: "`spiffe_sequence` of the newest revision; null before the first." })),
    refreshHintSeconds: Type.Integer({ description: "How often consumers should fetch." }),
    public: Type.Boolean({ description: "Anybody may fetch the bundle under /bundles/{trustDomain}." }),
    createdAt: time("When it was first registered."),
    updatedAt: time("When its settings last changed."),
    links: strictObject({ events: Type.String(), revisions: Type.String(), memberships: Type.String() }),
  },
  { $id: "TrustDomain" },
);
export const changedTrustDomain = strictObject(
  {
    ...trustDomainView.properties,
    warnings,
  },
  { $id: "ChangedTrustDomain" },
);
export const trustDomainChange = strictObject(
  {
    refreshHintSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        description: "Under 60 is answered with a warning: SPIRE polls once a minute at most.",
      }),
    ),
    public: Type.Optional(Type.Boolean()),
  },
  { $id: "TrustDomainChange", description: "JSON merge patch." },
);

export const viewMembership = (found: Membership): Static<typeof membership> => ({
  meshId: found.meshId,
  state: found.state,
  requestedAt: toRfc3339(found.requestedAt),
  decidedAt: toRfc3339OrNull(found.decidedAt),
  reason: found.reason,
});

export const viewTrustDomain = ({
  record,
  members,
  generation,
}: {
  record: TrustDomainRecord;
  members: readonly Membership[];
  generation: number;
}): Static<typeof trustDomainView> => ({
  trustDomain: record.name,
  owner: record.owner,
  members: members.filter(({ state }) => state === "granted").map(({ meshId }) => meshId),
  sequence: record.revisionPosition === null ? null : sequenceOf(generation, record.revisionPosition),
  refreshHintSeconds: record.refreshHintSeconds,
  public: record.public,
  createdAt: toRfc3339(record.createdAt),
  updatedAt: toRfc3339(record.updatedAt),
  links: {
    events: `/v1/audit-events?trustDomain=${record.name}`,
    revisions: `/v1/trust-domains/${record.name}/revisions`,
    memberships: `/v1/trust-domains/${record.name}/memberships`,
  },
});
