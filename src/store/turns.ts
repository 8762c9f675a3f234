import { Semaphore, withTimeout } from "async-mutex";
import { Refusal } from "../errors.ts";

/** Units of work come by turns, so that no crowd of them grows without end before the database (L18). */
export interface Turns {
  /**
   * Performs `change` when its turn comes.
   * @throws {Refusal} `overloaded` where too many wait, or its turn did not come in time: nothing of it was begun
   */
  take<T>(change: () => Promise<T>): Promise<T>;
}

export interface TurnLimits {
  /** How many are performed at once: fewer than the database has connections, so that reads find one. */
  readonly atOnce: number;
  /** How many are performed or wait. */
  readonly inFlight: number;
  /** How long one waits for its turn, in milliseconds. */
  readonly waitMs: number;
}

export function takingTurns({ atOnce, inFlight, waitMs }: TurnLimits): Turns {
  const turns = withTimeout(new Semaphore(atOnce), waitMs, overloaded("the change's turn did not come in time"));
  let count = 0;
  return {
    async take(change) {
      if (count >= inFlight) throw overloaded("too many changes are under way");
      count += 1;
      try {
        return await turns.runExclusive(change);
      } finally {
        count -= 1;
      }
    },
  };
}

/** Nothing was begun, so that whoever is told may send the same again. */
export const overloaded = (why: string): Refusal => new Refusal("overloaded", why, { extra: { retryAfterSeconds: 1 } });
