import { type Clock, clockSetBy, type EpochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../time.ts";
import type { Timers } from "../timers.ts";
import type { ServingCertificate } from "./svid.ts";

/** A certificate that is kept valid. */
export interface KeptCertificate {
  /** The one to begin with. */
  readonly first: ServingCertificate;
  stop(): void;
}

/** A certificate that the broker issues itself. */
export interface IssuedCertificate extends KeptCertificate {
  /** Issues the next one now, because another CA does. */
  reissue(): void;
}

const RETRY_MS = 30 * SECOND_MS;
/** L6: a clock that fell back this far is given time to come to itself before it dates a certificate. */
const FAR_BACK_MS = HOUR_MS;
const HOLD_MS = 10 * MINUTE_MS;

/** When a certificate is replaced: at half its life. */
export const renewAt = (notBefore: EpochMs, notAfter: EpochMs): EpochMs => notBefore + (notAfter - notBefore) / 2;

/**
 * Issues a certificate now and a new one at half the life of each. A failure to issue or to take it over is told to
 * `onError` and tried again; the old certificate stays meanwhile, as it does for ten minutes after the clock fell back by
 * an hour or more.
 * @param options.issue makes a certificate that begins about now; what it throws the first time is thrown
 * @param options.monotonic milliseconds that no setting of the clock changes
 */
export function keepIssued(options: {
  readonly issue: (now: EpochMs) => ServingCertificate;
  /** Takes the certificate over; what it rejects with is why it did not. */
  readonly onRenew: (certificate: ServingCertificate) => Promise<void>;
  readonly onError: (error: unknown) => void;
  readonly clock: Clock;
  readonly monotonic: () => number;
  readonly timers: Timers;
}): IssuedCertificate {
  const { issue, onRenew, onError, clock, monotonic, timers } = options;
  const first = issue(clock());
  let current = first;
  let cancel = (): void => {};
  let isAsked = false;
  let isRenewing = false;
  let stopped = false;
  let seen = { at: clock(), mono: monotonic() };
  let heldUntil = Number.NEGATIVE_INFINITY;

  // Looked at once a minute at least: a timer knows nothing of a clock that was set, nor of more than 24.8 days. Not
  // more than once a second: near the end of its CA the life of each next certificate shrinks to nothing.
  const wait = (ms: number): void => {
    if (!stopped) cancel = timers.after(Math.min(Math.max(ms, SECOND_MS), MINUTE_MS), look);
  };
  const untilDue = (): number =>
    isAsked || clock() < current.notBefore ? 0 : renewAt(current.notBefore, current.notAfter) - clock();
  const untilFree = (): number => {
    const now = { at: clock(), mono: monotonic() };
    if (clockSetBy(seen, now) <= -FAR_BACK_MS) heldUntil = now.mono + HOLD_MS;
    seen = now;
    return heldUntil - now.mono;
  };

  function look(): void {
    const ms = Math.max(untilFree(), untilDue());
    if (ms > 0) wait(ms);
    else void renew();
  }

  async function renew(): Promise<void> {
    isRenewing = true;
    // Whoever asks from now on asks for the one after this.
    isAsked = false;
    try {
      const next = issue(clock());
      await onRenew(next);
      current = next;
      wait(untilDue());
    } catch (error) {
      isAsked = true;
      onError(error);
      wait(Math.min(RETRY_MS, (current.notAfter - current.notBefore) / 10));
    } finally {
      isRenewing = false;
    }
  }

  wait(untilDue());
  return {
    first,
    stop() {
      stopped = true;
      cancel();
    },
    reissue() {
      isAsked = true;
      if (isRenewing) return;
      cancel();
      look();
    },
  };
}
