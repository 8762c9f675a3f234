import { monitorEventLoopDelay } from "node:perf_hooks";
import { SECOND_MS } from "../time.ts";

/** So that a second has far more than a hundred samples, and one long step among them is not the 99th percentile. */
const SAMPLE_MS = 5;
const NANOSECONDS_A_MS = 1_000_000;

/** How late this thread's event loop runs what is due. */
export interface LoopDelay {
  /** It is on time until somebody watches. */
  watch(): void;
  /**
   * The 99th percentile of a second, in milliseconds: of the better of the last two. One long step, such as a wait for a
   * locked database, is no overload, and what is over is over in a second.
   */
  p99Ms(): number;
  stop(): void;
}

export function loopDelayOfThread(): LoopDelay {
  const delays = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  let before = 0;
  let last = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    watch() {
      delays.enable();
      timer = setInterval(() => {
        before = last;
        last = delays.percentile(99) / NANOSECONDS_A_MS;
        delays.reset();
      }, SECOND_MS);
      timer.unref();
    },
    p99Ms: () => Math.min(before, last),
    stop() {
      clearInterval(timer);
      delays.disable();
    },
  };
}
