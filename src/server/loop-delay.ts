import { monitorEventLoopDelay } from "node:perf_hooks";
import { SECOND_MS } from "../time.ts";

/** Long enough for some hundred samples: one long step is no overload. */
const WINDOW_MS = 5 * SECOND_MS;
const SAMPLE_MS = 20;
const NANOSECONDS_A_MS = 1_000_000;

/** How late this thread's event loop runs what is due. */
export interface LoopDelay {
  /** The 99th percentile of the last whole window, in milliseconds; 0 before the first has passed. */
  p99Ms(): number;
  stop(): void;
}

export function watchLoopDelay(): LoopDelay {
  const delays = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  delays.enable();
  let p99Ms = 0;
  const timer = setInterval(() => {
    p99Ms = delays.percentile(99) / NANOSECONDS_A_MS;
    delays.reset();
  }, WINDOW_MS);
  timer.unref();
  return {
    p99Ms: () => p99Ms,
    stop() {
      clearInterval(timer);
      delays.disable();
    },
  };
}
