import { renderProjections } from "../../bundle/projections.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { type EpochMs, HOUR_MS } from "../../time.ts";
import { notFound } from "../access/caller.ts";
import { reaches, type Scope } from "../access/role.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { membersOf, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import {
  accessesOfMesh,
  countRevisionsMade,
  deleteAccessesOfMesh,
  findAccess,
  findRevision,
  listRevisions,
  newestRevision,
  sequencesOf,
} from "./bundle.store.ts";
import type { Revision, RevisionReader } from "./bundle.ts";
import { authoritiesOfRevision } from "./publication.store.ts";

export { findRevision, listRevisions, newestRevision, sequencesOf };

/**
 * As whom a scope may read a trust domain's revisions at `now`: its members as such, but not those of an owner before, and a
 * mesh that is served its bundle as a peer.
 * @throws {Refusal} `not-found`
 */
export async function revisionReader(
  db: Executor,
  scope: Scope,
  trustDomain: TrustDomain,
  now: EpochMs,
): Promise<RevisionReader> {
  const record = await trustDomainNamed(db, trustDomain);
  if (!record) throw notFound();
  if (scope.all) return { whoAndWhyAfter: 0 };
  const members = await membersOf(db, trustDomain);
  if (members.some(({ meshId, state }) => state === "granted" && reaches(scope, meshId)))
    return { whoAndWhyAfter: record.ownedSince ?? 0 };
  for (const meshId of scope.meshes)
    if (await isServed(db, meshId, trustDomain, now)) return { whoAndWhyAfter: Number.POSITIVE_INFINITY };
  throw notFound();
}

/**
 * The SPIFFE document of a revision, byte for byte as it was served first. Not kept with each: a new refresh hint would write
 * all certificates again.
 */
export async function documentOf(db: Executor, revision: Revision): Promise<string> {
  const authorities = await authoritiesOfRevision(db, revision);
  return renderProjections(authorities, revision.refreshHintSeconds, revision.sequence).spiffe.body.toString();
}

/** How many revisions a mesh has made within the last hour. */
export const countRevisionsBy = ({ tx, now }: Pick<Work, "tx" | "now">, meshId: MeshId): Promise<number> =>
  countRevisionsMade(tx, meshId, now - HOUR_MS);

/** Whether a mesh may see a trust domain's bundle at `now`. */
export async function isServed(db: Executor, meshId: MeshId, trustDomain: TrustDomain, now: EpochMs): Promise<boolean> {
  const access = await findAccess(db, meshId, trustDomain);
  return access?.state === "granted" && (access.until === null || access.until > now);
}

/** A mesh that goes is served nothing any more: it has no pollers, and gets no tombstone. */
export async function removeAccessesOf(work: Work, meshId: MeshId): Promise<void> {
  for (const { trustDomain } of await accessesOfMesh(work.tx, meshId))
    work.record({ type: "bundle-access.removed", subjects: [`mesh/${meshId}`, `trust-domain/${trustDomain}`] });
  await deleteAccessesOfMesh(work.tx, meshId);
}
