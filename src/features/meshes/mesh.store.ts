import type { ExpressionBuilder, Selectable } from "kysely";
import type { LabelRequirement, LabelSelector } from "../../label-selector.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import { compiled } from "../../store/compiled.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { Scope } from "../access/role.ts";
import type { Dialect, MembershipState, Mesh, RegisteredMesh, Suspension } from "./mesh.ts";
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

/**
 * Meshes with their membership. Not a join: SQLite plans a join anew for each value that is bound, which costs more than
 * it takes to run.
 */
const registered = (db: Executor) =>
  db
    .selectFrom("mesh")
    .selectAll("mesh")
    .select((mesh) => [
      membership(mesh).select("trust_domain").$asScalar().$notNull().as("trust_domain"),
      membership(mesh).select("state").$asScalar().$notNull().as("membership"),
    ])
    .where("mesh.deleted_at", "is", null);

const membership = (mesh: ExpressionBuilder<Tables, "mesh">) =>
  mesh.selectFrom("membership").whereRef("membership.mesh_id", "=", "mesh.mesh_id");

const toRegistered = (
  row: Selectable<Tables["mesh"]> & { trust_domain: string; membership: string },
): RegisteredMesh => ({
  ...toMesh(row),
  trustDomain: row.trust_domain as TrustDomain,
  membership: row.membership as MembershipState,
  suspension:
    row.suspended_at === null
      ? null
      : { at: row.suspended_at, by: row.suspended_by ?? "", reason: (row.suspension_reason ?? "") as FreeText },
  suspensionEndedAt: row.suspended_at === null ? row.suspension_ended_at : null,
});

export async function insertMesh(tx: Executor, mesh: Mesh): Promise<void> {
  await tx
    .insertInto("mesh")
    .values({
      ...toRow(mesh),
      mesh_id: mesh.meshId,
      registered_at: mesh.registeredAt,
      deleted_at: null,
      suspended_at: null,
      suspended_by: null,
      suspension_reason: null,
      suspension_ended_at: null,
    })
    .execute();
  await saveLabels(tx, mesh);
}

export async function updateMesh(tx: Executor, mesh: Mesh): Promise<void> {
  await updateRow(tx, mesh.meshId, toRow(mesh));
  await saveLabels(tx, mesh);
}

const updateRow = compiled((tx, meshId: MeshId, row: ReturnType<typeof toRow>) =>
  tx.updateTable("mesh").set(row).where("mesh_id", "=", meshId),
);

async function saveLabels(tx: Executor, { meshId, labels }: Mesh): Promise<void> {
  await deleteLabels(tx, meshId);
  const rows = Object.entries(labels).map(([name, value]) => ({ mesh_id: meshId, name, value }));
  if (rows.length > 0) await tx.insertInto("mesh_label").values(rows).execute();
}

const deleteLabels = compiled((tx, meshId: MeshId) => tx.deleteFrom("mesh_label").where("mesh_id", "=", meshId));

/** Null ends the suspension, at `now`. */
export async function saveSuspension(
  tx: Executor,
  meshId: MeshId,
  suspension: Suspension | null,
  now: EpochMs,
): Promise<void> {
  const row = {
    suspended_at: suspension?.at ?? null,
    suspended_by: suspension?.by ?? null,
    suspension_reason: suspension?.reason ?? null,
    ...(suspension === null ? { suspension_ended_at: now } : {}),
  };
  await tx.updateTable("mesh").set(row).where("mesh_id", "=", meshId).execute();
}

/** Which of these meshes are suspended. */
export async function suspendedAmong(db: Executor, meshIds: readonly string[]): Promise<string[]> {
  const rows = await suspendedRows(db, [...meshIds, ""]);
  return rows.map((row) => row.mesh_id);
}

const suspendedRows = compiled((db, meshIds: string[]) =>
  db.selectFrom("mesh").select("mesh_id").where("mesh_id", "in", meshIds).where("suspended_at", "is not", null),
);

/** The row stays, so that the mesh ID is never used again. */
export async function markMeshDeleted(tx: Executor, meshId: MeshId, at: EpochMs): Promise<void> {
  await tx.updateTable("mesh").set({ deleted_at: at }).where("mesh_id", "=", meshId).execute();
}

/** Whether the ID was ever used, by a mesh that is there or by one that is gone. */
export async function isMeshIdTaken(db: Executor, meshId: MeshId): Promise<boolean> {
  return (await db.selectFrom("mesh").select("mesh_id").where("mesh_id", "=", meshId).executeTakeFirst()) !== undefined;
}

/** Whether there is such a mesh now. */
export async function isMeshThere(db: Executor, meshId: string): Promise<boolean> {
  return (await rowsThere(db, meshId)).length > 0;
}

const rowsThere = compiled((db, meshId: string) =>
  db.selectFrom("mesh").select("mesh_id").where("mesh_id", "=", meshId).where("deleted_at", "is", null),
);

export async function findMesh(db: Executor, meshId: string): Promise<RegisteredMesh | undefined> {
  const [row] = await registeredRows(db, meshId);
  return row && toRegistered(row);
}

const registeredRows = compiled((db, meshId: string) => registered(db).where("mesh.mesh_id", "=", meshId));

/** In the order of mesh IDs, after `after`. */
export async function listMeshes(
  db: Executor,
  scope: Scope,
  selector: LabelSelector,
  after: string,
  limit: number,
): Promise<RegisteredMesh[]> {
  let query = registered(db).where("mesh.mesh_id", ">", after).orderBy("mesh.mesh_id").limit(limit);
  if (!scope.all) query = query.where("mesh.mesh_id", "in", [...scope.meshes, ""]);
  for (const requirement of selector) query = query.where((where) => meets(where, requirement));
  return (await query.execute()).map(toRegistered);
}

function meets(where: ExpressionBuilder<Tables, "mesh">, requirement: LabelRequirement) {
  const label = where
    .selectFrom("mesh_label")
    .select("mesh_label.name")
    .whereRef("mesh_label.mesh_id", "=", "mesh.mesh_id")
    .where("mesh_label.name", "=", requirement.name);
  const found = "values" in requirement ? label.where("mesh_label.value", "in", requirement.values) : label;
  const isThere = where.exists(found);
  return requirement.operator === "exists" || requirement.operator === "in" ? isThere : where.not(isThere);
}

/** What anybody with a mesh of its own may find: listed meshes that are granted members of their trust domain. */
export async function listDirectory(db: Executor, after: string, limit: number): Promise<RegisteredMesh[]> {
  const rows = await registered(db)
    .where("mesh.listed", "=", 1)
    .where((mesh) => mesh.exists(membership(mesh).select("membership.state").where("membership.state", "=", "granted")))
    .where("mesh.mesh_id", ">", after)
    .orderBy("mesh.mesh_id")
    .limit(limit)
    .execute();
  return rows.map(toRegistered);
}
