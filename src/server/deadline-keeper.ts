import { earliestDeadline, settleDue, settleJump } from "../features/bundles/deadline.service.ts";
import { expiriesToldTo, latestSince } from "../store/event-log.ts";
import type { Database } from "../store/tables.ts";
import type { UnitOfWork } from "../store/unit-of-work.ts";
import { type Clock, clockSetBy, type EpochMs, MINUTE_MS, type Moment, SECOND_MS } from "../time.ts";

const LOOK_EVERY_MS = 250;
/** Servers keep their clocks within a second of each other: with so much between them one was wrong. */
const APART_MS = MINUTE_MS;
/**
 * A server whose clock differs and goes on withdraws again what this one restores, or restores what it withdraws: they undo
 * each other's work no more often than this.
 */
const BELIEVES_EVERY_MS = 10 * MINUTE_MS;

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
  /** Other servers write to the log too, by clocks that are a little ahead of this one. */
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
 * One look at the clock, to be taken again and again. A clock that was wrong for a moment between two looks, before the
 * start, or on another server is known by what it wrote into the log (L6).
 */
export function deadlineLook(parts: DeadlineParts): () => Promise<void> {
  const tolerance = parts.isShared ? APART_MS : SECOND_MS;
  let seen: Moment = { at: parts.clock(), mono: parts.monotonic() };
  let { position, at: logged } = parts.lastKnown;
  let believesFrom = Number.NEGATIVE_INFINITY;

  return async () => {
    const now: Moment = { at: parts.clock(), mono: parts.monotonic() };
    const since = await latestSince(parts.db, position);
    logged = Math.max(logged, since?.at ?? 0, parts.isShared ? await expiriesToldTo(parts.db) : 0);
    position = since?.position ?? position;
    // In whole milliseconds, as every instant is: PostgreSQL takes no other.
    const unset = Math.round(now.at - clockSetBy(seen, now));
    const isBehind = logged > now.at + tolerance && now.mono >= believesFrom;
    const from = isBehind ? Math.max(unset, logged) : unset;
    const jump = now.at - from;
    if (Math.abs(jump) > SECOND_MS) await settleJump(parts.unitOfWork, from, Math.abs(jump) > MINUTE_MS);
    seen = now;
    if (isBehind && parts.isShared) believesFrom = now.mono + BELIEVES_EVERY_MS;
    // What is not ahead of this clock says nothing of the next look, and what was settled is.
    if (isBehind || logged <= now.at + tolerance) logged = 0;
    const due = await earliestDeadline(parts.db);
    if (due !== null && due <= now.at) await settleDue(parts.unitOfWork);
  };
}
