import type { Executor } from "../../store/tables.ts";
import type { Contribution } from "./contribution.ts";
import type { ProofChallenge } from "./proof.ts";

const keyOf = ({ known, source }: Contribution) => ({
  authority_id: known.authorityId,
  source_kind: source.kind,
  source_id: source.id,
});

/** Opens the challenge; one that was open of the same contribution is gone. */
export async function saveChallenge(tx: Executor, of: Contribution, challenge: ProofChallenge): Promise<void> {
  const row = { nonce: challenge.nonce, expires_at: challenge.expiresAt };
  await tx
    .insertInto("proof_challenge")
    .values({ ...keyOf(of), ...row })
    .onConflict((conflict) => conflict.columns(["authority_id", "source_kind", "source_id"]).doUpdateSet(row))
    .execute();
}

export async function findChallenge(db: Executor, of: Contribution): Promise<ProofChallenge | undefined> {
  const row = await db
    .selectFrom("proof_challenge")
    .select(["nonce", "expires_at"])
    .where((where) => where.and(keyOf(of)))
    .executeTakeFirst();
  return row && { nonce: row.nonce, expiresAt: row.expires_at };
}

export async function deleteChallenge(tx: Executor, of: Contribution): Promise<void> {
  await tx
    .deleteFrom("proof_challenge")
    .where((where) => where.and(keyOf(of)))
    .execute();
}
