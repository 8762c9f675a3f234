import type { Surroundings } from "../../src/server/surroundings.ts";
import type { EpochMs } from "../../src/time.ts";
import { systemTimers } from "../../src/timers.ts";

/** How long a timer of a broker in passing time runs at most. */
const HURRY_MS = 25;

/** Time in which a running broker lives, in both of its threads: its timers hurry, so that it notices at once what passed. */
export interface PassingTime {
  readonly surroundings: Pick<Surroundings, "timers" | "monotonic" | "clockOffset">;
  readonly now: () => EpochMs;
  /** Lets `ms` pass. */
  pass(ms: number): void;
  /** Sets the wall clock ahead, or back where `ms` is negative: no time passes. */
  set(ms: number): void;
  /** Resolves when whatever looks at the clock has looked several times since. */
  noticed(): Promise<void>;
}

export function passingTime(): PassingTime {
  const clockOffset = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
  const offset = new Float64Array(clockOffset);
  let passed = 0;
  const set = (ms: number): void => {
    offset[0] = (offset[0] ?? 0) + ms;
  };
  return {
    surroundings: {
      clockOffset,
      monotonic: () => performance.now() + passed,
      timers: { after: (ms, callback) => systemTimers.after(Math.min(ms, HURRY_MS), callback) },
    },
    now: () => Date.now() + (offset[0] ?? 0),
    pass(ms) {
      passed += ms;
      set(ms);
    },
    set,
    noticed: () => new Promise((resolve) => setTimeout(resolve, HURRY_MS * 20)),
  };
}
