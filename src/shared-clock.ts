import type { Clock } from "./time.ts";

/**
 * The wall clock of a thread. Where `offset` is given, its one Float64 (milliseconds) is added to the time, so that whoever
 * shares the buffer moves the clock of a running thread.
 */
export function threadClock(offset?: SharedArrayBuffer): Clock {
  if (offset === undefined) return Date.now;
  const milliseconds = new Float64Array(offset);
  return () => Date.now() + (milliseconds[0] ?? 0);
}
