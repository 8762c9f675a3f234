import { earliestDeadline, settleDue, settleJump } from "../features/bundles/deadline.service.ts";
import type { Database } from "../store/tables.ts";
import type { UnitOfWork } from "../store/unit-of-work.ts";
import { type Clock, type EpochMs, MINUTE_MS, SECOND_MS } from "../time.ts";

const LOOK_EVERY_MS = 250;

export interface DeadlineKeeper {
  stop(): Promise<void>;
}

/**
 * Lets the log follow the clock: when something falls due, the event and the revision that say so are written as soon
 * as the store can take them. What is served changes without it, at the second.
 */
export function keepDeadlines(parts: {
  readonly db: Database;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  /** Milliseconds that no setting of the clock changes. */
  readonly monotonic: () => number;
  /** The newest time that the log knows: a clock behind it was set back while nobody looked. */
  readonly lastKnown: EpochMs;
  readonly onError: (error: unknown) => void;
}): DeadlineKeeper {
  let expected = Math.max(parts.lastKnown, parts.clock());
  let looked = parts.monotonic();
  let running: Promise<void> | undefined;

  async function look(): Promise<void> {
    const now = parts.clock();
    const mono = parts.monotonic();
    const from = expected + (mono - looked);
    const jump = now - from;
    if (Math.abs(jump) > SECOND_MS) {
      await settleJump(parts.unitOfWork, from, Math.abs(jump) > MINUTE_MS);
    } else {
      const due = await earliestDeadline(parts.db);
      if (due !== null && due <= now) await settleDue(parts.unitOfWork);
    }
    expected = now;
    looked = mono;
  }

  const timer = setInterval(() => {
    running ??= look()
      .catch(parts.onError)
      .finally(() => {
        running = undefined;
      });
  }, LOOK_EVERY_MS);
  timer.unref();

  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
