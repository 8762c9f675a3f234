import type { ExpressionBuilder, Selectable } from "kysely";
import type { Executor, Tables } from "../../store/tables.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { Dialect } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { MAX_FORMER_URLS, type Poller } from "./poller.ts";

const toPoller = (
  row: Selectable<Tables["poller"]> & {
    former_until: number | null;
    rotated_at: number | null;
  },
): Poller => ({
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
  formerUrlsUntil: row.former_until,
  rotatedAt: row.rotated_at,
});

const pollers = (db: Executor) =>
  db
    .selectFrom("poller")
    .selectAll("poller")
    .select((select) => [
      latestFormer(select, "ends_at").as("former_until"),
      latestFormer(select, "replaced_at").as("rotated_at"),
    ]);

const latestFormer = (select: ExpressionBuilder<Tables, "poller">, column: "ends_at" | "replaced_at") =>
  select
    .selectFrom("former_poller_url")
    .select((former) => former.fn.max(`former_poller_url.${column}`).as("latest"))
    .whereRef("former_poller_url.poller_id", "=", "poller.poller_id");

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

/** The poller has another token from now on; the one that it had serves until `endsAt`. */
export async function replacePollerToken(
  tx: Executor,
  pollerId: string,
  tokenHash: string,
  { now, endsAt }: { readonly now: EpochMs; readonly endsAt: EpochMs },
): Promise<void> {
  await deleteEndedUrls(tx, pollerId, now);
  const { token_hash } = await tx
    .selectFrom("poller")
    .select("token_hash")
    .where("poller_id", "=", pollerId)
    .executeTakeFirstOrThrow();
  await tx
    .insertInto("former_poller_url")
    .values({ token_hash, poller_id: pollerId, replaced_at: now, ends_at: endsAt })
    .execute();
  await tx.updateTable("poller").set({ token_hash: tokenHash }).where("poller_id", "=", pollerId).execute();
}

/** Those that serve by a clock that is ahead, and those that serve again when it is right once more (L6). */
const KEPT_FORMER_URLS = 2 * MAX_FORMER_URLS;

async function deleteEndedUrls(tx: Executor, pollerId: string, now: EpochMs): Promise<void> {
  const former = tx.selectFrom("former_poller_url").select("token_hash").where("poller_id", "=", pollerId);
  const kept = await former.orderBy("ends_at", "desc").limit(KEPT_FORMER_URLS).execute();
  if (kept.length < KEPT_FORMER_URLS) return;
  await tx
    .deleteFrom("former_poller_url")
    .where("poller_id", "=", pollerId)
    .where("ends_at", "<=", now)
    .where(
      "token_hash",
      "not in",
      kept.map(({ token_hash }) => token_hash),
    )
    .execute();
}

/** How many URLs that rotations replaced still serve. */
export async function countFormerUrls(db: Executor, pollerId: string, now: EpochMs): Promise<number> {
  const row = await db
    .selectFrom("former_poller_url")
    .select((select) => select.fn.countAll().as("count"))
    .where("poller_id", "=", pollerId)
    .where("ends_at", ">", now)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

export async function findPoller(db: Executor, meshId: MeshId, pollerId: string): Promise<Poller | undefined> {
  const row = await pollers(db).where("mesh_id", "=", meshId).where("poller_id", "=", pollerId).executeTakeFirst();
  return row && toPoller(row);
}

/** Those of these IDs that there are. */
export async function findPollers(db: Executor, pollerIds: readonly string[]): Promise<Poller[]> {
  const rows = await pollers(db)
    .where("poller_id", "in", [...pollerIds])
    .execute();
  return rows.map(toPoller);
}

/** In the order of IDs, after `after`; revoked ones too, since the ledger names them. */
export async function listPollers(db: Executor, meshId: MeshId, after: string, limit: number): Promise<Poller[]> {
  const rows = await pollers(db)
    .where("mesh_id", "=", meshId)
    .where("poller_id", ">", after)
    .orderBy("poller_id")
    .limit(limit)
    .execute();
  return rows.map(toPoller);
}

export async function unrevokedPollersOf(db: Executor, meshId: MeshId): Promise<Poller[]> {
  const rows = await pollers(db).where("mesh_id", "=", meshId).where("revoked_at", "is", null).execute();
  return rows.map(toPoller);
}

/** A mesh's unrevoked pollers of this name. */
export async function unrevokedPollersNamed(db: Executor, meshId: MeshId, name: string): Promise<Poller[]> {
  const rows = await pollers(db)
    .where("mesh_id", "=", meshId)
    .where("name", "=", name)
    .where("revoked_at", "is", null)
    .execute();
  return rows.map(toPoller);
}

/** How many pollers of a mesh can poll. */
export async function countUsablePollers(db: Executor, meshId: MeshId, now: EpochMs): Promise<number> {
  const row = await db
    .selectFrom("poller")
    .select((select) => select.fn.countAll().as("count"))
    .where("mesh_id", "=", meshId)
    .where("revoked_at", "is", null)
    .where((where) => where.or([where("expires_at", "is", null), where("expires_at", ">", now)]))
    .executeTakeFirst();
  return Number(row?.count ?? 0);
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

/** Instants after `after` at which an unrevoked poller expires, ascending. */
export async function pollerExpiries(db: Executor, after: EpochMs, limit: number): Promise<EpochMs[]> {
  const rows = await db
    .selectFrom("poller")
    .select("expires_at")
    .where("revoked_at", "is", null)
    .where("expires_at", ">", after)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map((row) => Number(row.expires_at));
}

/** Unrevoked pollers that expire after `from`, up to `to`. */
export async function pollersExpiring(db: Executor, from: EpochMs, to: EpochMs): Promise<Poller[]> {
  const rows = await pollers(db)
    .where("revoked_at", "is", null)
    .where("expires_at", ">", from)
    .where("expires_at", "<=", to)
    .orderBy("expires_at")
    .execute();
  return rows.map(toPoller);
}
