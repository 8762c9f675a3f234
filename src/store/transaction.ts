import { isAsksForAnother, isOutcomeUnknown, outcomeUnknown } from "./storage-errors.ts";
import type { Database, Executor } from "./tables.ts";

const RETRIES = 3;

/**
 * One transaction. Where PostgreSQL asks for another attempt (a deadlock, a serialisation failure) the whole of it is
 * done again, three times at most, so `act` keeps nothing of an attempt but its answer (L13).
 * @throws {Refusal} `storage-unavailable` where nobody can say whether the commit happened; else what was thrown
 */
export async function inTransaction<T>(db: Database, act: (tx: Executor) => Promise<T>): Promise<T> {
  for (let retries = 0; ; retries += 1) {
    let committing = false;
    let thrown: { readonly error: unknown } | undefined;
    try {
      return await db.transaction().execute(async (tx) => {
        try {
          const answer = await act(tx);
          committing = true;
          return answer;
        } catch (error) {
          thrown = { error };
          throw error;
        }
      });
    } catch (last) {
      // What the rollback of a broken connection says is not why.
      const error = thrown ? thrown.error : last;
      if (retries < RETRIES && isAsksForAnother(error)) continue;
      throw committing && isOutcomeUnknown(error) ? outcomeUnknown(error) : error;
    }
  }
}

/** Reads of one state of the database, whatever is committed meanwhile. */
export const inSnapshot = <T>(db: Database, read: (tx: Executor) => Promise<T>): Promise<T> =>
  db.transaction().setIsolationLevel("repeatable read").setAccessMode("read only").execute(read);
