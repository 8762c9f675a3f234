import { setTimeout } from "node:timers/promises";
import { isKeptWaiting } from "../store/storage-errors.ts";
import type { Database } from "../store/tables.ts";
import { inTransaction } from "../store/transaction.ts";
import { SECOND_MS } from "../time.ts";

/** For so long a change that failed speaks against what a probe says, which takes no room on a disk that is full. */
const FAILURE_HOLDS_MS = 30 * SECOND_MS;

/** Whether the database takes writes. */
export interface Writability {
  /** As of a second ago at most: whoever asks for readiness has no credential. Where it takes longer to say, what it said last holds. */
  isWritable(): Promise<boolean>;
  /** A request found that it does not answer: it is asked anew, and until it says otherwise it takes no writes. */
  noteUnavailable(): void;
}

/** It takes none where a change failed since the last that did not (L8). */
export function writability(
  db: Database,
  monotonic: () => number,
  changeFailedAt: () => number | undefined,
): Writability {
  let saidAt = Number.NEGATIVE_INFINITY;
  let said = true;
  let probing: Promise<boolean> | undefined;
  const ask = async (): Promise<boolean> => {
    said = await probe(db);
    saidAt = monotonic();
    probing = undefined;
    return said;
  };
  return {
    async isWritable() {
      if (monotonic() - (changeFailedAt() ?? Number.NEGATIVE_INFINITY) < FAILURE_HOLDS_MS) return false;
      if (!probing && monotonic() - saidAt < SECOND_MS) return said;
      probing ??= ask();
      return Promise.race([probing, setTimeout(SECOND_MS, undefined, { ref: false }).then(() => said)]);
    },
    noteUnavailable() {
      said = false;
      saidAt = Number.NEGATIVE_INFINITY;
    },
  };
}

const probe = (db: Database): Promise<boolean> =>
  inTransaction(db, (tx) =>
    tx
      .updateTable("log_head")
      .set((eb) => ({ size: eb.ref("size") }))
      .where("id", "=", 1)
      .execute(),
  )
    .then(() => true)
    .catch(isKeptWaiting);
