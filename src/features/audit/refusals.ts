import { type EpochMs, MINUTE_MS } from "../../time.ts";

/**
 * What kind of request was turned away without an event of its own (S70). `nothing-to-change`: a known caller's read, or dry
 * run; `unrecorded`: an event that the database did not take.
 */
export type RefusalClass =
  | "unauthenticated"
  | "invalid-request"
  | "nothing-to-change"
  | "over-limit"
  | "unrecorded"
  | "bundle-endpoint";

/** Refused changes that one credential may have recorded singly each minute; the rest are counted. */
export const SINGLY_PER_MINUTE = 60;

/** What a minute's refusals came to, by class: what one event says. */
export type RefusalCounts = Readonly<Partial<Record<RefusalClass, number>>>;

/** Keeps count of refusals so that nobody can fill the log (S70). Holds nothing but this minute's numbers. */
export interface RefusalTally {
  /** Whether this refusal of a known caller is to be an event of its own; counts it otherwise. */
  admits(callerId: string, now: EpochMs): boolean;
  count(kind: RefusalClass, times?: number): void;
  /** What was counted since the last time, and starts anew. Empty when nothing was. */
  take(): RefusalCounts;
}

export function refusalTally(): RefusalTally {
  let minute = 0;
  let singly = new Map<string, number>();
  let counts: Partial<Record<RefusalClass, number>> = {};
  const count = (kind: RefusalClass, times = 1) => {
    if (times > 0) counts[kind] = (counts[kind] ?? 0) + times;
  };
  return {
    admits(callerId, now) {
      const current = Math.floor(now / MINUTE_MS);
      if (current !== minute) {
        minute = current;
        singly = new Map();
      }
      const already = singly.get(callerId) ?? 0;
      singly.set(callerId, already + 1);
      if (already < SINGLY_PER_MINUTE) return true;
      count("over-limit");
      return false;
    },
    count,
    take() {
      const taken = counts;
      counts = {};
      return taken;
    },
  };
}
