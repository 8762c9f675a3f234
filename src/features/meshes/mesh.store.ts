import type { Selectable } from "kysely";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { Scope } from "../access/role.ts";
import type { Dialect, MembershipState, Mesh, RegisteredMesh } from "./mesh.ts";
import type { MeshId } from "./mesh-id.ts";

const toMesh = (row: Selectable<Tables["mesh"]>): Mesh => ({
  meshId: row.mesh_id as MeshId,
  displayName: row.display_name as FreeText,
  dialect: row.dialect as Dialect,
  dialectVersion: row.dialect_version as FreeText | null,
  labels: JSON.parse(row.labels) as Record<string, string>,
  listed: row.listed === 1,
  registeredAt: row.registered_at,
  updatedAt: row.updated_at,
});

const toRow = (mesh: Mesh) => ({
  display_name: mesh.displayName,
  dialect: mesh.dialect,
  dialect_version: mesh.dialectVersion,
  labels: JSON.stringify(mesh.labels),
  listed: mesh.listed ? 1 : 0,
  updated_at: mesh.updatedAt,
});

const registered = (db: Executor) =>
  db
    .selectFrom("mesh")
    .innerJoin("membership", "membership.mesh_id", "mesh.mesh_id")
    .selectAll("mesh")
    .select(["membership.trust_domain", "membership.state as membership"])
    .where("mesh.deleted_at", "is", null);

const toRegistered = (
  row: Selectable<Tables["mesh"]> & { trust_domain: string; membership: string },
): RegisteredMesh => ({
  ...toMesh(row),
  trustDomain: row.trust_domain as TrustDomain,
  membership: row.membership as MembershipState,
});

export async function insertMesh(tx: Executor, mesh: Mesh): Promise<void> {
  await tx
    .insertInto("mesh")
    .values({ ...toRow(mesh), mesh_id: mesh.meshId, registered_at: mesh.registeredAt, deleted_at: null })
    .execute();
}

export async function updateMesh(tx: Executor, mesh: Mesh): Promise<void> {
  await tx.updateTable("mesh").set(toRow(mesh)).where("mesh_id", "=", mesh.meshId).execute();
}

/** The row stays, so that the mesh ID is never used again. */
export async function markMeshDeleted(tx: Executor, meshId: MeshId, at: EpochMs): Promise<void> {
  await tx.updateTable("mesh").set({ deleted_at: at }).where("mesh_id", "=", meshId).execute();
}

/** Whether the ID was ever used, by a mesh that is there or by one that is gone. */
export async function isMeshIdTaken(db: Executor, meshId: MeshId): Promise<boolean> {
  return (await db.selectFrom("mesh").select("mesh_id").where("mesh_id", "=", meshId).executeTakeFirst()) !== undefined;
}

export async function findMesh(db: Executor, meshId: string): Promise<RegisteredMesh | undefined> {
  const row = await registered(db).where("mesh.mesh_id", "=", meshId).executeTakeFirst();
  return row && toRegistered(row);
}

/** In the order of mesh IDs, after `after`. */
export async function listMeshes(db: Executor, scope: Scope, after: string, limit: number): Promise<RegisteredMesh[]> {
  const query = registered(db).where("mesh.mesh_id", ">", after).orderBy("mesh.mesh_id").limit(limit);
  const rows = await (scope.all ? query : query.where("mesh.mesh_id", "in", [...scope.meshes, ""])).execute();
  return rows.map(toRegistered);
}

/** What anybody with a mesh of its own may find: listed meshes that are granted members of their trust domain. */
export async function listDirectory(db: Executor, after: string, limit: number): Promise<RegisteredMesh[]> {
  const rows = await registered(db)
    .where("mesh.listed", "=", 1)
    .where("membership.state", "=", "granted")
    .where("mesh.mesh_id", ">", after)
    .orderBy("mesh.mesh_id")
    .limit(limit)
    .execute();
  return rows.map(toRegistered);
}
