import Type, { type Static } from "typebox";
import { revisionDifference } from "../../bundle/revision-difference.ts";
import { orNull, strictObject, time } from "../../http/schemas.ts";
import { isBrokersOwn } from "../../store/event.ts";
import { toRfc3339 } from "../../time.ts";
import { reaches, type Scope } from "../access/role.ts";
import type { Revision, RevisionReader } from "./bundle.ts";

const revisionMembers = {
  sequence: Type.Integer({ description: "`spiffe_sequence` under which it was served." }),
  position: Type.Integer({ description: "Event-log position of the change." }),
  digest: Type.String({ description: "SHA-256 over keys and hint." }),
  refreshHintSeconds: Type.Integer(),
  at: time("When it was published."),
  cause: orNull(Type.String({ description: "Type of the event that made it necessary; null to a peer." })),
  meshId: orNull(Type.String({ description: "On whose behalf; null for an operator's or the broker's own act." })),
  actor: orNull(Type.String({ description: "The token, or `clock`; null of another mesh's act or an operator's." })),
  reason: orNull(Type.String()),
  added: Type.Array(Type.String(), { description: "Fingerprints that the revision before did not hold." }),
  removed: Type.Array(Type.String(), { description: "Fingerprints that only the revision before held." }),
  links: strictObject({
    event: Type.Optional(Type.String({ description: "Absent where the event is not for the reader to see." })),
  }),
};
export const revisionView = strictObject(revisionMembers, { $id: "Revision" });
export const revisionWithBundle = strictObject(
  {
    ...revisionMembers,
    bundle: Type.Object(
      {},
      { additionalProperties: true, description: "The SPIFFE bundle document as it was served." },
    ),
  },
  { $id: "RevisionWithBundle" },
);

const asItems = (fingerprints: readonly string[]) => fingerprints.map((fingerprint) => ({ fingerprint }));

/** A peer sees bundles without who and why; a member who and why of its own acts and the broker's, under this owner (S21). */
export function viewRevision(
  revision: Revision,
  before: Revision | undefined,
  scope: Scope,
  reader: RevisionReader,
  seenEvents: ReadonlySet<number>,
): Static<typeof revisionView> {
  const isMember = revision.position > reader.whoAndWhyAfter;
  const { actingMesh } = revision;
  const isShown = actingMesh === null ? isBrokersOwn(revision.actor) : reaches(scope, actingMesh);
  const own = isMember && (scope.all || isShown);
  const { added, removed } = revisionDifference(asItems(before?.fingerprints ?? []), asItems(revision.fingerprints));
  return {
    sequence: revision.sequence,
    position: revision.position,
    digest: revision.digest,
    refreshHintSeconds: revision.refreshHintSeconds,
    at: toRfc3339(revision.at),
    cause: isMember ? revision.cause : null,
    meshId: isMember ? revision.actingMesh : null,
    actor: own ? revision.actor : null,
    reason: own ? revision.reason : null,
    added: [...added],
    removed: [...removed],
    links: seenEvents.has(revision.position) ? { event: `/v1/audit-events/${revision.position}` } : {},
  };
}
