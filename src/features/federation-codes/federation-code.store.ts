import type { Selectable } from "kysely";
import type { Executor, Tables } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { CodeRole, FederationCode } from "./federation-code.ts";

const toCode = (row: Selectable<Tables["federation_code"]>): FederationCode => ({
  codeId: row.code_id,
  meshId: row.mesh_id as MeshId,
  trust: row.trust === null ? null : (JSON.parse(row.trust) as CodeRole[]),
  federationExpiresAt: row.federation_expires_at,
  reason: row.reason,
  createdAt: row.created_at,
  createdBy: row.created_by,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
  spentAt: row.spent_at,
  spentBy: row.spent_by as MeshId | null,
  federationId: row.federation_id,
});

export async function insertCode(tx: Executor, code: FederationCode, secretHash: string): Promise<void> {
  await tx
    .insertInto("federation_code")
    .values({
      code_id: code.codeId,
      secret_hash: secretHash,
      mesh_id: code.meshId,
      trust: code.trust && JSON.stringify(code.trust),
      federation_expires_at: code.federationExpiresAt,
      reason: code.reason,
      created_at: code.createdAt,
      created_by: code.createdBy,
      expires_at: code.expiresAt,
      revoked_at: null,
      spent_at: null,
      spent_by: null,
      federation_id: null,
    })
    .execute();
}

/** Spends it if it is neither spent nor revoked, and says whether it was so: of two that race, one wins. */
export async function markCodeSpent(
  tx: Executor,
  codeId: string,
  by: { readonly meshId: MeshId; readonly federationId: string; readonly at: EpochMs },
): Promise<boolean> {
  const spent = await tx
    .updateTable("federation_code")
    .set({ spent_at: by.at, spent_by: by.meshId, federation_id: by.federationId })
    .where("code_id", "=", codeId)
    .where("spent_at", "is", null)
    .where("revoked_at", "is", null)
    .returning("code_id")
    .executeTakeFirst();
  return spent !== undefined;
}

export async function markCodeRevoked(tx: Executor, codeId: string, at: EpochMs): Promise<void> {
  await tx.updateTable("federation_code").set({ revoked_at: at }).where("code_id", "=", codeId).execute();
}

/** The code with its secret's hash, for a proposal that carries it. */
export async function findCodeSecret(
  db: Executor,
  codeId: string,
): Promise<{ code: FederationCode; secretHash: string } | undefined> {
  const row = await db.selectFrom("federation_code").selectAll().where("code_id", "=", codeId).executeTakeFirst();
  return row && { code: toCode(row), secretHash: row.secret_hash };
}

export async function findCode(db: Executor, meshId: MeshId, codeId: string): Promise<FederationCode | undefined> {
  const row = await db
    .selectFrom("federation_code")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where("code_id", "=", codeId)
    .executeTakeFirst();
  return row && toCode(row);
}

/** A mesh's codes in the order of IDs, after `after`. */
export async function listCodes(db: Executor, meshId: MeshId, after: string, limit: number): Promise<FederationCode[]> {
  const rows = await db
    .selectFrom("federation_code")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where("code_id", ">", after)
    .orderBy("code_id")
    .limit(limit)
    .execute();
  return rows.map(toCode);
}

/** A mesh's codes that are open at `now`. */
export async function openCodesOf(db: Executor, meshId: MeshId, now: EpochMs): Promise<FederationCode[]> {
  const rows = await db
    .selectFrom("federation_code")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where("spent_at", "is", null)
    .where("revoked_at", "is", null)
    .where("expires_at", ">", now)
    .orderBy("code_id")
    .execute();
  return rows.map(toCode);
}

/** Instants after `after` at which a code that is neither spent nor revoked expires, ascending. */
export async function codeExpiries(db: Executor, after: EpochMs, limit: number): Promise<EpochMs[]> {
  const rows = await db
    .selectFrom("federation_code")
    .select("expires_at")
    .where("revoked_at", "is", null)
    .where("spent_at", "is", null)
    .where("expires_at", ">", after)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map((row) => Number(row.expires_at));
}

/** Codes, neither spent nor revoked, that expire after `from`, up to `to`. */
export async function codesExpiring(db: Executor, from: EpochMs, to: EpochMs): Promise<FederationCode[]> {
  const rows = await db
    .selectFrom("federation_code")
    .selectAll()
    .where("revoked_at", "is", null)
    .where("spent_at", "is", null)
    .where("expires_at", ">", from)
    .where("expires_at", "<=", to)
    .orderBy("expires_at")
    .execute();
  return rows.map(toCode);
}
