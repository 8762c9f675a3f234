import { earliestDeadline, settleDue, settleJump } from "../features/bundles/deadline.service.ts";
import { latestSince } from "../store/event-log.ts";
import type { Database } from "../store/tables.ts";
import type { UnitOfWork } from "../store/unit-of-work.ts";
import { type Clock, clockSetBy, type EpochMs, MINUTE_MS, type Moment, SECOND_MS } from "../time.ts";

const LOOK_EVERY_MS = 250;

export interface DeadlineKeeper {
  stop(): Promise<void>;
}

/** What the keeper of deadlines works with. */
export interface DeadlineParts {
  readonly db: Database;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  /** Milliseconds that no setting of the clock changes. */
  readonly monotonic: () => number;
  /** The newest event that the log knew before: a clock behind its time was set back while nobody looked. */
  readonly lastKnown: { readonly position: number; readonly at: EpochMs };
  /** Other servers write to the log too: the times in it say nothing of this one's clock. */
  readonly isShared: boolean;
}

/**
 * Lets the log follow the clock: when something falls due, the event and the revision that say so are written as soon
 * as the store can take them. What is served changes without it, at the second.
 */
export function keepDeadlines(parts: DeadlineParts & { readonly onError: (error: unknown) => void }): DeadlineKeeper {
  const look = deadlineLook(parts);
  let running: Promise<void> | undefined;

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

/**
 * One look at the clock, to be taken again and again. A clock that was wrong for a moment between two looks is known by
 * the events of that moment (L6).
 */
export function deadlineLook(parts: DeadlineParts): () => Promise<void> {
  const begun = parts.isShared ? parts.clock() : Math.max(parts.lastKnown.at, parts.clock());
  let seen: Moment = { at: begun, mono: parts.monotonic() };
  let { position } = parts.lastKnown;

  return async () => {
    const now: Moment = { at: parts.clock(), mono: parts.monotonic() };
    const since = await latestSince(parts.db, position);
    // In whole milliseconds, as every instant is: PostgreSQL takes no other.
    const unset = Math.round(now.at - clockSetBy(seen, now));
    const isBehind = !parts.isShared && since !== undefined && since.at > now.at + SECOND_MS;
    const from = isBehind ? Math.max(unset, since.at) : unset;
    const jump = now.at - from;
    if (Math.abs(jump) > SECOND_MS) {
      await settleJump(parts.unitOfWork, from, Math.abs(jump) > MINUTE_MS);
    }
    seen = now;
    position = since?.position ?? position;
    const due = await earliestDeadline(parts.db);
    if (due !== null && due <= now.at) await settleDue(parts.unitOfWork);
  };
}
