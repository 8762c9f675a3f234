import type { Selectable } from "kysely";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { SharedKeyAllowance } from "./shared-key.ts";

const toAllowance = (row: Selectable<Tables["shared_key_allowance"]>): SharedKeyAllowance => ({
  allowanceId: row.allowance_id,
  trustDomains: [row.trust_domain_a as TrustDomain, row.trust_domain_b as TrustDomain],
  keyFingerprint: row.key_fingerprint,
  reason: row.reason,
  createdAt: row.created_at,
  createdBy: row.created_by,
});

export async function insertAllowance(tx: Executor, allowance: SharedKeyAllowance): Promise<void> {
  await tx
    .insertInto("shared_key_allowance")
    .values({
      allowance_id: allowance.allowanceId,
      trust_domain_a: allowance.trustDomains[0],
      trust_domain_b: allowance.trustDomains[1],
      key_fingerprint: allowance.keyFingerprint,
      reason: allowance.reason,
      created_at: allowance.createdAt,
      created_by: allowance.createdBy,
    })
    .execute();
}

export async function deleteAllowance(tx: Executor, allowanceId: string): Promise<void> {
  await tx.deleteFrom("shared_key_allowance").where("allowance_id", "=", allowanceId).execute();
}

export async function findAllowance(db: Executor, allowanceId: string): Promise<SharedKeyAllowance | undefined> {
  const row = await db
    .selectFrom("shared_key_allowance")
    .selectAll()
    .where("allowance_id", "=", allowanceId)
    .executeTakeFirst();
  return row && toAllowance(row);
}

/** In the order of IDs, after `after`. */
export async function listAllowances(db: Executor, after: string, limit: number): Promise<SharedKeyAllowance[]> {
  const rows = await db
    .selectFrom("shared_key_allowance")
    .selectAll()
    .where("allowance_id", ">", after)
    .orderBy("allowance_id")
    .limit(limit)
    .execute();
  return rows.map(toAllowance);
}

export async function allowancesBetween(
  db: Executor,
  pair: readonly [TrustDomain, TrustDomain],
): Promise<SharedKeyAllowance[]> {
  const rows = await db
    .selectFrom("shared_key_allowance")
    .selectAll()
    .where("trust_domain_a", "=", pair[0])
    .where("trust_domain_b", "=", pair[1])
    .execute();
  return rows.map(toAllowance);
}
