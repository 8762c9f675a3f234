import type { Clock, EpochMs } from "../../src/time.ts";
import type { Timers } from "../../src/timers.ts";

/** Time that passes only when told to. */
export interface FakeTime {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly monotonic: () => number;
  /** Lets `ms` pass: the wall clock moves and the timers that fall due are called, each at its time. */
  pass(ms: number): void;
  /** As above, for what goes on by promises: what is under way is done before each timer is called. */
  elapse(ms: number): Promise<void>;
  /** Sets the wall clock; timers do not notice. */
  setClock(at: EpochMs): void;
  /** How many timers are running. */
  readonly running: number;
}

export function fakeTime(start: EpochMs): FakeTime {
  let monotonic = 0;
  let offset = start;
  const due = new Set<{ readonly at: number; readonly callback: () => void }>();
  const nextUntil = (end: number) => [...due].filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at)[0];
  function* callUntil(end: number): Generator<void> {
    for (let timer = nextUntil(end); timer !== undefined; timer = nextUntil(end)) {
      due.delete(timer);
      monotonic = timer.at;
      timer.callback();
      yield;
    }
    monotonic = end;
  }
  return {
    clock: () => offset + monotonic,
    monotonic: () => monotonic,
    timers: {
      after(ms, callback) {
        const timer = { at: monotonic + ms, callback };
        due.add(timer);
        return () => due.delete(timer);
      },
    },
    pass(ms) {
      callUntil(monotonic + ms).forEach(() => {});
    },
    async elapse(ms) {
      const calls = callUntil(monotonic + ms);
      do await new Promise(setImmediate);
      while (!calls.next().done);
    },
    setClock(at) {
      offset = at - monotonic;
    },
    get running() {
      return due.size;
    },
  };
}
