import type { Selectable } from "kysely";
import { compiled } from "../../store/compiled.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { FreeText } from "../../text.ts";
import { type EpochMs, SECOND_MS } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Role, Scope } from "./role.ts";
import type { Token } from "./token.ts";

type TokenRow = Selectable<Tables["token"]>;

async function withMeshes(db: Executor, rows: readonly TokenRow[]): Promise<Token[]> {
  if (rows.length === 0) return [];
  const named = await meshesNamed(
    db,
    rows.map((row) => row.token_id),
  );
  const meshesOf = Map.groupBy(named, ({ token_id }) => token_id);
  return rows.map((row) => ({
    tokenId: row.token_id,
    name: row.name as FreeText,
    role: row.role as Role,
    meshes: (meshesOf.get(row.token_id) ?? []).map(({ mesh_id }) => mesh_id as MeshId),
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    lifeSeconds: row.life_seconds ?? Math.ceil((row.expires_at - row.created_at) / SECOND_MS),
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
  }));
}

const meshesNamed = compiled((db, tokenIds: string[]) =>
  db.selectFrom("token_mesh").selectAll().where("token_id", "in", tokenIds).orderBy("mesh_id"),
);

export async function insertToken(tx: Executor, token: Token, secretHash: string): Promise<void> {
  await tx
    .insertInto("token")
    .values({
      token_id: token.tokenId,
      secret_hash: secretHash,
      name: token.name,
      role: token.role,
      created_at: token.createdAt,
      created_by: token.createdBy,
      expires_at: token.expiresAt,
      life_seconds: token.lifeSeconds,
      revoked_at: null,
      last_used_at: null,
    })
    .execute();
  if (token.meshes.length > 0) {
    await tx
      .insertInto("token_mesh")
      .values(token.meshes.map((mesh_id) => ({ token_id: token.tokenId, mesh_id })))
      .execute();
  }
}

export async function markTokenRevoked(tx: Executor, tokenId: string, at: EpochMs): Promise<void> {
  await tx.updateTable("token").set({ revoked_at: at }).where("token_id", "=", tokenId).execute();
}

/** The token speaks for this mesh no more. */
export async function deleteTokenMesh(tx: Executor, tokenId: string, meshId: MeshId): Promise<void> {
  await tx.deleteFrom("token_mesh").where("token_id", "=", tokenId).where("mesh_id", "=", meshId).execute();
}

export async function setTokenExpiry(tx: Executor, tokenId: string, at: EpochMs): Promise<void> {
  await tx.updateTable("token").set({ expires_at: at }).where("token_id", "=", tokenId).execute();
}

/** Written in batches: not a change that anybody asked for, so no event. */
export async function noteTokensUsed(db: Executor, uses: ReadonlyMap<string, EpochMs>): Promise<void> {
  for (const [tokenId, at] of uses)
    await db
      .updateTable("token")
      .set({ last_used_at: at })
      .where("token_id", "=", tokenId)
      // Another server may have seen a later use.
      .where((token) => token.or([token("last_used_at", "is", null), token("last_used_at", "<", at)]))
      .execute();
}

/** What a token is held against, and the whole of it for whoever passes: one query for whoever does not (S25). */
interface TokenSecret extends Pick<Token, "expiresAt" | "revokedAt"> {
  readonly secretHash: string;
  token(): Promise<Token | undefined>;
}

/** For authentication alone. */
export async function findTokenSecret(db: Executor, tokenId: string): Promise<TokenSecret | undefined> {
  const [row] = await tokenRows(db, tokenId);
  return (
    row && {
      secretHash: row.secret_hash,
      expiresAt: row.expires_at,
      revokedAt: row.revoked_at,
      token: async () => (await withMeshes(db, [row]))[0],
    }
  );
}

const tokenRows = compiled((db, tokenId: string) => db.selectFrom("token").selectAll().where("token_id", "=", tokenId));

/** What says whether a token holds. */
export async function findTokenLife(
  db: Executor,
  tokenId: string,
): Promise<Pick<Token, "expiresAt" | "revokedAt"> | undefined> {
  const [life] = await tokenLives(db, tokenId);
  return life;
}

const tokenLives = compiled((db, tokenId: string) =>
  db.selectFrom("token").select(["expires_at as expiresAt", "revoked_at as revokedAt"]).where("token_id", "=", tokenId),
);

export async function findToken(db: Executor, tokenId: string): Promise<Token | undefined> {
  return (await findTokenSecret(db, tokenId))?.token();
}

/** In the order of IDs, after `after`: all, or those that name a mesh in scope. */
export async function listTokens(db: Executor, scope: Scope, after: string, limit: number): Promise<Token[]> {
  const query = db.selectFrom("token").selectAll().where("token_id", ">", after).orderBy("token_id").limit(limit);
  if (scope.all) return withMeshes(db, await query.execute());
  const mine = db
    .selectFrom("token_mesh")
    .select("token_id")
    .where("mesh_id", "in", [...scope.meshes, ""]);
  return withMeshes(db, await query.where("token_id", "in", mine).execute());
}

export async function hasValidAdminToken(db: Executor, meshes: readonly MeshId[], now: EpochMs): Promise<boolean> {
  const row = await db
    .selectFrom("token")
    .innerJoin("token_mesh", "token_mesh.token_id", "token.token_id")
    .select("token.token_id")
    .where("token.role", "=", "mesh-admin")
    .where("token.revoked_at", "is", null)
    .where("token.expires_at", ">", now)
    .where("token_mesh.mesh_id", "in", [...meshes, ""])
    .executeTakeFirst();
  return row !== undefined;
}

/** How many unrevoked, unexpired tokens speak for a mesh. */
export async function countUsableTokens(db: Executor, meshId: MeshId, now: EpochMs): Promise<number> {
  const row = await db
    .selectFrom("token")
    .innerJoin("token_mesh", "token_mesh.token_id", "token.token_id")
    .select((select) => select.fn.countAll().as("count"))
    .where("token_mesh.mesh_id", "=", meshId)
    .where("token.revoked_at", "is", null)
    .where("token.expires_at", ">", now)
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

export async function hasOperatorToken(db: Executor): Promise<boolean> {
  return (
    (await db.selectFrom("token").select("token_id").where("role", "=", "operator").executeTakeFirst()) !== undefined
  );
}

/** Unrevoked tokens that speak for this mesh, alone or among others; expired ones too, since the clock can go back. */
export async function unrevokedTokensOf(db: Executor, meshId: MeshId): Promise<Token[]> {
  const rows = await db
    .selectFrom("token")
    .innerJoin("token_mesh", "token_mesh.token_id", "token.token_id")
    .selectAll("token")
    .where("token_mesh.mesh_id", "=", meshId)
    .where("token.revoked_at", "is", null)
    .orderBy("token.token_id")
    .execute();
  return withMeshes(db, rows);
}

/** Instants after `after` at which an unrevoked token expires, ascending. */
export async function tokenExpiries(db: Executor, after: EpochMs, limit: number): Promise<EpochMs[]> {
  const rows = await db
    .selectFrom("token")
    .select("expires_at")
    .where("revoked_at", "is", null)
    .where("expires_at", ">", after)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map((row) => Number(row.expires_at));
}

/** Unrevoked tokens that expire after `from`, up to `to`. */
export async function tokensExpiring(db: Executor, from: EpochMs, to: EpochMs): Promise<Token[]> {
  const rows = await db
    .selectFrom("token")
    .selectAll()
    .where("revoked_at", "is", null)
    .where("expires_at", ">", from)
    .where("expires_at", "<=", to)
    .orderBy("expires_at")
    .execute();
  return withMeshes(db, rows);
}
