import type { Selectable } from "kysely";
import type { Executor, Tables } from "../../store/tables.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { Dialect } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Poller } from "./poller.ts";

const toPoller = (row: Selectable<Tables["poller"]>): Poller => ({
  pollerId: row.poller_id,
  meshId: row.mesh_id as MeshId,
  name: row.name as FreeText,
  cluster: row.cluster as FreeText | null,
  dialect: row.dialect as Dialect | null,
  dialectVersion: row.dialect_version as FreeText | null,
  replicas: row.replicas,
  position: row.position,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
});

const changeable = (poller: Poller) => ({
  name: poller.name,
  cluster: poller.cluster,
  dialect: poller.dialect,
  dialect_version: poller.dialectVersion,
  replicas: poller.replicas,
  revoked_at: poller.revokedAt,
});

export async function insertPoller(tx: Executor, poller: Poller, tokenHash: string): Promise<void> {
  await tx
    .insertInto("poller")
    .values({
      ...changeable(poller),
      poller_id: poller.pollerId,
      mesh_id: poller.meshId,
      token_hash: tokenHash,
      position: poller.position,
      created_at: poller.createdAt,
      expires_at: poller.expiresAt,
    })
    .execute();
}

export async function updatePoller(tx: Executor, poller: Poller): Promise<void> {
  await tx
    .updateTable("poller")
    .set(changeable(poller))
    .where("poller_id", "=", poller.pollerId)
    .where("mesh_id", "=", poller.meshId)
    .execute();
}

export async function findPoller(db: Executor, meshId: MeshId, pollerId: string): Promise<Poller | undefined> {
  const row = await db
    .selectFrom("poller")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where("poller_id", "=", pollerId)
    .executeTakeFirst();
  return row && toPoller(row);
}

/** In the order of IDs, after `after`; revoked ones too, since the ledger names them. */
export async function listPollers(db: Executor, meshId: MeshId, after: string, limit: number): Promise<Poller[]> {
  const rows = await db
    .selectFrom("poller")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where("poller_id", ">", after)
    .orderBy("poller_id")
    .limit(limit)
    .execute();
  return rows.map(toPoller);
}

export async function unrevokedPollersOf(db: Executor, meshId: MeshId): Promise<Poller[]> {
  const rows = await db
    .selectFrom("poller")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where("revoked_at", "is", null)
    .execute();
  return rows.map(toPoller);
}

/** How many unrevoked pollers end before an instant: a metric warns of them. */
export async function countPollersExpiringBefore(db: Executor, from: EpochMs, to: EpochMs): Promise<number> {
  const row = await db
    .selectFrom("poller")
    .select((select) => select.fn.countAll().as("count"))
    .where("revoked_at", "is", null)
    .where("expires_at", ">", from)
    .where("expires_at", "<=", to)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}
