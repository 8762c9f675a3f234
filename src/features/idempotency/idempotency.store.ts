import type { Executor } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import type { Attempt, RememberedAnswer } from "./idempotency.ts";

export async function findAnswer(
  db: Executor,
  { credential, operation, key }: Attempt,
  since: EpochMs,
): Promise<(RememberedAnswer & { readonly digest: string }) | undefined> {
  const row = await db
    .selectFrom("idempotency")
    .selectAll()
    .where("credential", "=", credential)
    .where("operation", "=", operation)
    .where("key", "=", key)
    .where("created_at", ">", since)
    .executeTakeFirst();
  if (!row) return undefined;
  const location = row.location === null ? {} : { location: row.location };
  return { digest: row.digest, status: row.status, body: JSON.parse(row.body) as unknown, ...location };
}

/** Writes the answer, in place of one that is too old. */
export async function saveAnswer(
  tx: Executor,
  attempt: Attempt,
  answer: RememberedAnswer,
  now: EpochMs,
): Promise<void> {
  const row = {
    digest: attempt.digest,
    status: answer.status,
    body: JSON.stringify(answer.body),
    location: answer.location ?? null,
    created_at: now,
  };
  const { credential, operation, key } = attempt;
  await tx
    .insertInto("idempotency")
    .values({ ...row, credential, operation, key })
    .onConflict((conflict) => conflict.columns(["credential", "operation", "key"]).doUpdateSet(row))
    .execute();
}

/** Deletes those that are too old, but none of the `keep` newest. */
export async function deleteAnswersBefore(tx: Executor, before: EpochMs, keep: number): Promise<void> {
  const oldestKept = tx
    .selectFrom("idempotency")
    .select("created_at")
    .orderBy("created_at", "desc")
    .limit(1)
    .offset(keep - 1);
  await tx.deleteFrom("idempotency").where("created_at", "<=", before).where("created_at", "<", oldestKept).execute();
}
