import type { Selectable } from "kysely";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Distrust } from "./distrust.ts";

const toDistrust = (row: Selectable<Tables["distrust"]>): Distrust => ({
  distrustId: row.distrust_id,
  meshId: row.mesh_id as MeshId,
  trustDomain: row.trust_domain as TrustDomain,
  fingerprint: row.fingerprint,
  reason: row.reason,
  createdAt: row.created_at,
  createdBy: row.created_by,
  liftedAt: row.lifted_at,
});

export async function insertDistrust(tx: Executor, distrust: Distrust): Promise<void> {
  await tx
    .insertInto("distrust")
    .values({
      distrust_id: distrust.distrustId,
      mesh_id: distrust.meshId,
      trust_domain: distrust.trustDomain,
      fingerprint: distrust.fingerprint,
      reason: distrust.reason,
      created_at: distrust.createdAt,
      created_by: distrust.createdBy,
      lifted_at: null,
    })
    .execute();
}

export async function markDistrustLifted(tx: Executor, distrustId: string, at: EpochMs): Promise<void> {
  await tx.updateTable("distrust").set({ lifted_at: at }).where("distrust_id", "=", distrustId).execute();
}

export async function findDistrust(db: Executor, meshId: MeshId, distrustId: string): Promise<Distrust | undefined> {
  const row = await db
    .selectFrom("distrust")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where("distrust_id", "=", distrustId)
    .executeTakeFirst();
  return row && toDistrust(row);
}

/** A mesh's distrusts, lifted or not, in the order of IDs, after `after`. */
export async function listDistrusts(db: Executor, meshId: MeshId, after: string, limit: number): Promise<Distrust[]> {
  const rows = await db
    .selectFrom("distrust")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where("distrust_id", ">", after)
    .orderBy("distrust_id")
    .limit(limit)
    .execute();
  return rows.map(toDistrust);
}

/** Fingerprints, in order, of a trust domain's authorities that a mesh distrusts. */
export async function distrustedBy(db: Executor, meshId: MeshId, trustDomain: TrustDomain): Promise<string[]> {
  const rows = await db
    .selectFrom("distrust")
    .select("fingerprint")
    .where("mesh_id", "=", meshId)
    .where("trust_domain", "=", trustDomain)
    .where("lifted_at", "is", null)
    .orderBy("fingerprint")
    .execute();
  return rows.map((row) => row.fingerprint);
}
