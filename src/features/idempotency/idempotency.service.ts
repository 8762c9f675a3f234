import { Refusal } from "../../errors.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { deleteAnswersBefore, findAnswer, saveAnswer } from "./idempotency.store.ts";
import { type Attempt, KEPT_ANSWERS, REMEMBERED_MS, type RememberedAnswer } from "./idempotency.ts";

/**
 * What an earlier attempt under the same key was answered; undefined for the first, and for one that was refused, since
 * that had no effect (L19).
 * @throws {Refusal} `idempotency-key-reused` for another request under the key
 */
export async function earlierAnswer(work: Work, attempt: Attempt): Promise<RememberedAnswer | undefined> {
  const found = await findAnswer(work.tx, attempt, work.now - REMEMBERED_MS);
  if (!found) return undefined;
  const { digest, ...answer } = found;
  if (digest !== attempt.digest)
    throw new Refusal("idempotency-key-reused", "this Idempotency-Key was used with another request");
  return answer;
}

/** Remembers the answer with the effect that it tells of. */
export async function rememberAnswer(work: Work, attempt: Attempt, answer: RememberedAnswer): Promise<void> {
  await deleteAnswersBefore(work.tx, work.now - REMEMBERED_MS, KEPT_ANSWERS);
  await saveAnswer(work.tx, attempt, answer, work.now);
}
