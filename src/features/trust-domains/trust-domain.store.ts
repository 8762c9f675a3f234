import type { Selectable } from "kysely";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { Scope } from "../access/role.ts";
import type { MembershipState } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Membership, TrustDomainRecord } from "./trust-domain-record.ts";

const toRecord = (row: Selectable<Tables["trust_domain"]>): TrustDomainRecord => ({
  name: row.name as TrustDomain,
  owner: row.owner as MeshId | null,
  refreshHintSeconds: row.refresh_hint_seconds,
  public: row.public === 1,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  freedAt: row.freed_at,
  ownedSince: row.owned_since,
  revisionPosition: row.revision_position,
});

const toMembership = (row: Selectable<Tables["membership"]>): Membership => ({
  meshId: row.mesh_id as MeshId,
  trustDomain: row.trust_domain as TrustDomain,
  state: row.state as MembershipState,
  requestedAt: row.requested_at,
  decidedAt: row.decided_at,
  reason: row.reason,
});

export async function findTrustDomain(db: Executor, name: TrustDomain): Promise<TrustDomainRecord | undefined> {
  const row = await db.selectFrom("trust_domain").selectAll().where("name", "=", name).executeTakeFirst();
  return row && toRecord(row);
}

/** Inserts, or replaces what an earlier owner left. The newest revision is the publisher's to set. */
export async function saveTrustDomain(tx: Executor, record: TrustDomainRecord): Promise<void> {
  const row = {
    owner: record.owner,
    refresh_hint_seconds: record.refreshHintSeconds,
    public: record.public ? 1 : 0,
    updated_at: record.updatedAt,
    freed_at: record.freedAt,
    owned_since: record.ownedSince,
  };
  await tx
    .insertInto("trust_domain")
    .values({ ...row, name: record.name, created_at: record.createdAt, revision_position: null, next_deadline: null })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(row))
    .execute();
}

/** In the order of names: those that a mesh in scope is a granted member of, or all. */
export async function listTrustDomains(
  db: Executor,
  scope: Scope,
  after: string,
  limit: number,
): Promise<TrustDomainRecord[]> {
  const query = db.selectFrom("trust_domain").selectAll().where("name", ">", after).orderBy("name").limit(limit);
  if (scope.all) return (await query.execute()).map(toRecord);
  const mine = db
    .selectFrom("membership")
    .select("trust_domain")
    .where("state", "=", "granted")
    .where("mesh_id", "in", [...scope.meshes, ""]);
  return (await query.where("name", "in", mine).execute()).map(toRecord);
}

export async function findMembership(db: Executor, meshId: MeshId): Promise<Membership | undefined> {
  const row = await db.selectFrom("membership").selectAll().where("mesh_id", "=", meshId).executeTakeFirst();
  return row && toMembership(row);
}

export async function saveMembership(tx: Executor, membership: Membership): Promise<void> {
  const row = {
    state: membership.state,
    decided_at: membership.decidedAt,
    reason: membership.reason,
  };
  await tx
    .insertInto("membership")
    .values({
      ...row,
      mesh_id: membership.meshId,
      trust_domain: membership.trustDomain,
      requested_at: membership.requestedAt,
    })
    .onConflict((conflict) => conflict.columns(["mesh_id", "trust_domain"]).doUpdateSet(row))
    .execute();
}

export async function deleteMembership(tx: Executor, meshId: MeshId): Promise<void> {
  await tx.deleteFrom("membership").where("mesh_id", "=", meshId).execute();
}

/** The memberships of meshes that are still there, in the order of mesh IDs. */
export async function membershipsOf(db: Executor, trustDomain: TrustDomain): Promise<Membership[]> {
  const rows = await db
    .selectFrom("membership")
    .innerJoin("mesh", "mesh.mesh_id", "membership.mesh_id")
    .selectAll("membership")
    .where("membership.trust_domain", "=", trustDomain)
    .where("mesh.deleted_at", "is", null)
    .orderBy("membership.mesh_id")
    .execute();
  return rows.map(toMembership);
}

/** The broker's own trust domain and the generation of its sequences; undefined before the first start. */
export async function findBroker(
  db: Executor,
): Promise<{ trustDomain: TrustDomain; generation: number; cursorKey: string | null } | undefined> {
  const row = await db.selectFrom("broker").selectAll().executeTakeFirst();
  if (!row) return undefined;
  return { trustDomain: row.trust_domain as TrustDomain, generation: row.generation, cursorKey: row.cursor_key };
}

export async function saveCursorKey(tx: Executor, cursorKey: string): Promise<void> {
  await tx.updateTable("broker").set({ cursor_key: cursorKey }).execute();
}

export async function insertBroker(tx: Executor, trustDomain: TrustDomain, now: number): Promise<void> {
  await tx
    .insertInto("broker")
    .values({ id: 1, trust_domain: trustDomain, generation: 0, created_at: now, cursor_key: null })
    .execute();
}
