import type { Selectable } from "kysely";
import { positionOf } from "../../bundle/sequence.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { BundleAccess, Revision } from "./bundle.ts";

/** Without `bundle`: in the rows of earlier versions it is as large as all certificates together. */
const REVISION = [
  "revision.trust_domain",
  "revision.position",
  "revision.sequence",
  "revision.digest",
  "revision.refresh_hint_seconds",
  "revision.last_modified_seconds",
  "revision.fingerprints",
  "revision.at",
  "revision.cause",
  "revision.actor",
  "revision.acting_mesh",
  "revision.reason",
] as const;

const toRevision = (row: Omit<Selectable<Tables["revision"]>, "bundle">): Revision => ({
  trustDomain: row.trust_domain as TrustDomain,
  position: row.position,
  sequence: row.sequence,
  digest: row.digest,
  refreshHintSeconds: row.refresh_hint_seconds,
  lastModifiedSeconds: row.last_modified_seconds,
  fingerprints: JSON.parse(row.fingerprints) as string[],
  at: row.at,
  cause: row.cause,
  actor: row.actor,
  actingMesh: row.acting_mesh,
  reason: row.reason,
});

const toAccess = (row: Selectable<Tables["bundle_access"]>): BundleAccess => ({
  meshId: row.mesh_id as MeshId,
  trustDomain: row.trust_domain as TrustDomain,
  state: row.state as BundleAccess["state"],
  position: row.position,
  lastModifiedSeconds: row.last_modified_seconds,
  until: row.until,
  at: row.at,
  distrusted: JSON.parse(row.distrusted) as string[],
});

/** Adds the revision and makes it the trust domain's newest. */
export async function insertRevision(tx: Executor, revision: Revision): Promise<void> {
  await tx
    .insertInto("revision")
    .values({
      trust_domain: revision.trustDomain,
      position: revision.position,
      sequence: revision.sequence,
      digest: revision.digest,
      refresh_hint_seconds: revision.refreshHintSeconds,
      last_modified_seconds: revision.lastModifiedSeconds,
      fingerprints: JSON.stringify(revision.fingerprints),
      bundle: "",
      at: revision.at,
      cause: revision.cause,
      actor: revision.actor,
      acting_mesh: revision.actingMesh,
      reason: revision.reason,
    })
    .execute();
  await tx
    .updateTable("trust_domain")
    .set({ revision_position: revision.position })
    .where("name", "=", revision.trustDomain)
    .execute();
}

export async function setNextDeadline(tx: Executor, trustDomain: TrustDomain, at: EpochMs | null): Promise<void> {
  await tx.updateTable("trust_domain").set({ next_deadline: at }).where("name", "=", trustDomain).execute();
}

export async function newestRevision(db: Executor, trustDomain: TrustDomain): Promise<Revision | undefined> {
  const row = await db
    .selectFrom("revision")
    .innerJoin("trust_domain", (join) =>
      join
        .onRef("trust_domain.name", "=", "revision.trust_domain")
        .onRef("trust_domain.revision_position", "=", "revision.position"),
    )
    .select(REVISION)
    .where("revision.trust_domain", "=", trustDomain)
    .executeTakeFirst();
  return row && toRevision(row);
}

export async function findRevision(
  db: Executor,
  trustDomain: TrustDomain,
  sequence: number,
): Promise<Revision | undefined> {
  const row = await db
    .selectFrom("revision")
    .select(REVISION)
    .where("trust_domain", "=", trustDomain)
    .where("position", "=", positionOf(sequence))
    .where("sequence", "=", sequence)
    .executeTakeFirst();
  return row && toRevision(row);
}

/** Sequences of a trust domain's revisions, by their positions. */
export async function sequencesOf(
  db: Executor,
  trustDomain: TrustDomain,
  positions: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  if (positions.length === 0) return new Map();
  const rows = await db
    .selectFrom("revision")
    .select(["position", "sequence"])
    .where("trust_domain", "=", trustDomain)
    .where("position", "in", positions)
    .execute();
  return new Map(rows.map(({ position, sequence }) => [position, sequence]));
}

/** How many revisions, of whichever trust domain, a mesh has made after `after`. */
export async function countRevisionsMade(db: Executor, meshId: MeshId, after: EpochMs): Promise<number> {
  const row = await db
    .selectFrom("revision")
    .select((select) => select.fn.countAll().as("count"))
    .where("acting_mesh", "=", meshId)
    .where("at", ">", after)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

/** Newest first, before `before`. */
export async function listRevisions(
  db: Executor,
  trustDomain: TrustDomain,
  before: number,
  limit: number,
): Promise<Revision[]> {
  const rows = await db
    .selectFrom("revision")
    .select(REVISION)
    .where("trust_domain", "=", trustDomain)
    .where("position", "<", before)
    .orderBy("position", "desc")
    .limit(limit)
    .execute();
  return rows.map(toRevision);
}

export async function findAccess(
  db: Executor,
  meshId: MeshId,
  trustDomain: TrustDomain,
): Promise<BundleAccess | undefined> {
  const row = await db
    .selectFrom("bundle_access")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where("trust_domain", "=", trustDomain)
    .executeTakeFirst();
  return row && toAccess(row);
}

export async function accessesOfMesh(db: Executor, meshId: MeshId): Promise<BundleAccess[]> {
  const rows = await db
    .selectFrom("bundle_access")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .orderBy("trust_domain")
    .execute();
  return rows.map(toAccess);
}

/** Meshes that may see a trust domain's bundle, as last recorded. */
export async function consumersOf(db: Executor, trustDomain: TrustDomain): Promise<MeshId[]> {
  const rows = await db
    .selectFrom("bundle_access")
    .select("mesh_id")
    .where("trust_domain", "=", trustDomain)
    .where("state", "=", "granted")
    .orderBy("mesh_id")
    .execute();
  return rows.map((row) => row.mesh_id as MeshId);
}

/** Every consumer's access there is. */
export async function allAccesses(db: Executor): Promise<BundleAccess[]> {
  return (await db.selectFrom("bundle_access").selectAll().execute()).map(toAccess);
}

/** The latest `Last-Modified` that re-granted consumers of a trust domain were shown; 0 for none. */
export async function latestRegrantSeconds(db: Executor, trustDomain: TrustDomain): Promise<number> {
  const row = await db
    .selectFrom("bundle_access")
    .select((select) => select.fn.max("last_modified_seconds").as("latest"))
    .where("trust_domain", "=", trustDomain)
    .where("state", "=", "granted")
    .executeTakeFirst();
  return Number(row?.latest ?? 0);
}

export async function saveAccess(tx: Executor, access: BundleAccess): Promise<void> {
  const row = {
    state: access.state,
    position: access.position,
    last_modified_seconds: access.lastModifiedSeconds,
    until: access.until,
    at: access.at,
    distrusted: JSON.stringify(access.distrusted),
  };
  await tx
    .insertInto("bundle_access")
    .values({ ...row, mesh_id: access.meshId, trust_domain: access.trustDomain })
    .onConflict((conflict) => conflict.columns(["mesh_id", "trust_domain"]).doUpdateSet(row))
    .execute();
}

export async function deleteAccessesOfMesh(tx: Executor, meshId: MeshId): Promise<void> {
  await tx.deleteFrom("bundle_access").where("mesh_id", "=", meshId).execute();
}

/** The next instant at which the clock alone changes a bundle or somebody's access; null for never. */
export async function earliestPublicationDeadline(db: Executor): Promise<EpochMs | null> {
  const domain = await db
    .selectFrom("trust_domain")
    .select((select) => select.fn.min("next_deadline").as("at"))
    .executeTakeFirst();
  const access = await db
    .selectFrom("bundle_access")
    .select((select) => select.fn.min("until").as("at"))
    .where("state", "=", "granted")
    .executeTakeFirst();
  const times = [domain?.at, access?.at].filter((at) => at !== null && at !== undefined).map(Number);
  return times.length > 0 ? Math.min(...times) : null;
}

/** Trust domains of which the clock has changed the bundle by `now`, and the log does not say so yet; the longest due first. */
export async function bundlesDue(db: Executor, now: EpochMs, limit: number): Promise<TrustDomain[]> {
  const rows = await db
    .selectFrom("trust_domain")
    .select("name")
    .where("next_deadline", "<=", now)
    .orderBy("next_deadline")
    .limit(limit)
    .execute();
  return rows.map((row) => row.name as TrustDomain);
}

/** Consumers whose access the clock has ended by `now`, and the log does not say so yet. */
export async function accessesDue(db: Executor, now: EpochMs): Promise<{ meshId: MeshId; trustDomain: TrustDomain }[]> {
  const rows = await db
    .selectFrom("bundle_access")
    .select(["mesh_id", "trust_domain"])
    .where("state", "=", "granted")
    .where("until", "<=", now)
    .execute();
  return rows.map((row) => ({ meshId: row.mesh_id as MeshId, trustDomain: row.trust_domain as TrustDomain }));
}

/** Consumers whose access was withdrawn: what a clock that came back may have to give them again. */
export async function withdrawnAccesses(db: Executor): Promise<{ meshId: MeshId; trustDomain: TrustDomain }[]> {
  const rows = await db
    .selectFrom("bundle_access")
    .select(["mesh_id", "trust_domain"])
    .where("state", "=", "withdrawn")
    .execute();
  return rows.map((row) => ({ meshId: row.mesh_id as MeshId, trustDomain: row.trust_domain as TrustDomain }));
}
