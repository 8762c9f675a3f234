import { setTimeout } from "node:timers/promises";
import { isAsksForAnother, isLocked, isOutcomeUnknown, outcomeUnknown } from "./storage-errors.ts";
import type { Database, Executor } from "./tables.ts";

const RETRIES = 3;
const LOCK_WAIT_MS = 5_000;
const LOOK_AGAIN_MS = 50;

/**
 * SQLite waits for another process's lock on the thread that asks, and everybody with it: so it waits for a moment only, and
 * the five seconds of L1 go by here, between attempts (docs/decisions/0012).
 */
export async function untilUnlocked<T>(act: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + LOCK_WAIT_MS; ; await setTimeout(LOOK_AGAIN_MS)) {
    try {
      return await act();
    } catch (error) {
      if (!isLocked(error) || performance.now() > until) throw error;
    }
  }
}

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
      return await untilUnlocked(() => {
        thrown = undefined;
        return db.transaction().execute(async (tx) => {
          try {
            const answer = await act(tx);
            committing = true;
            return answer;
          } catch (error) {
            thrown = { error };
            throw error;
          }
        });
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
