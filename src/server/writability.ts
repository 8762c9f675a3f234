import type { Database } from "../store/tables.ts";
import { SECOND_MS } from "../time.ts";

/**
 * Whether the database takes writes, as of a second ago at most: whoever asks for readiness has no credential, and a
 * locked database would stop the main loop at each question.
 */
export function writability(db: Database, monotonic: () => number): () => Promise<boolean> {
  let askedAt = Number.NEGATIVE_INFINITY;
  let answer: Promise<boolean> = Promise.resolve(true);
  return () => {
    if (monotonic() - askedAt >= SECOND_MS) {
      answer = probe(db).finally(() => {
        askedAt = monotonic();
      });
      askedAt = Number.POSITIVE_INFINITY;
    }
    return answer;
  };
}

/** PostgreSQL's word for a lock that was not given in time. */
const LOCK_NOT_AVAILABLE = "55P03";

const probe = (db: Database): Promise<boolean> =>
  db
    .transaction()
    .execute((tx) =>
      tx
        .updateTable("log_head")
        .set((eb) => ({ size: eb.ref("size") }))
        .where("id", "=", 1)
        .execute(),
    )
    .then(() => true)
    // Whoever waits too long for its turn finds a database that others write to.
    .catch((error: { code?: unknown }) => error.code === LOCK_NOT_AVAILABLE);
