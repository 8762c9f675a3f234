import { type Clock, type EpochMs, HOUR_MS, SECOND_MS } from "../time.ts";
import type { Timers } from "../timers.ts";
import type { ServingCertificate } from "./svid.ts";

/** A certificate that is kept valid. */
export interface KeptCertificate {
  /** The one to begin with. */
  readonly first: ServingCertificate;
  stop(): void;
}

const RETRY_MS = 30 * SECOND_MS;

/** When a certificate is replaced: at half its life. */
export const renewAt = (notBefore: EpochMs, notAfter: EpochMs): EpochMs => notBefore + (notAfter - notBefore) / 2;

/**
 * Issues a certificate now and a new one at half the life of each. A failure to issue or to take it over is told to
 * `onError` and tried again; the old certificate stays meanwhile.
 * @param issue makes a certificate that begins about now; what it throws the first time is thrown
 */
export function keepIssued(options: {
  readonly issue: (now: EpochMs) => ServingCertificate;
  readonly onRenew: (certificate: ServingCertificate) => void;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  readonly timers: Timers;
}): KeptCertificate {
  const { issue, onRenew, onError, clock, timers } = options;
  const first = issue(clock());
  let current = first;
  let cancel = (): void => {};

  // Looked at once an hour at least: a timer knows nothing of a clock that was set, nor of more than 24.8 days. Not
  // more than once a second: near the end of its CA the life of each next certificate shrinks to nothing.
  const wait = (ms: number): void => {
    cancel = timers.after(Math.min(Math.max(ms, SECOND_MS), HOUR_MS), look);
  };
  const untilDue = (): number =>
    clock() < current.notBefore ? 0 : renewAt(current.notBefore, current.notAfter) - clock();

  function look(): void {
    if (untilDue() > 0) wait(untilDue());
    else renew();
  }

  function renew(): void {
    try {
      const next = issue(clock());
      onRenew(next);
      current = next;
      wait(untilDue());
    } catch (error) {
      onError(error);
      wait(Math.min(RETRY_MS, (current.notAfter - current.notBefore) / 10));
    }
  }

  wait(untilDue());
  return { first, stop: () => cancel() };
}
