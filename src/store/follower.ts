import { eventsAfter, type FollowedEvent } from "./event-log.ts";
import type { Database, Executor } from "./tables.ts";
import { inSnapshot } from "./transaction.ts";

/** Brings a view up to what was read. Run after the read, so that no transaction waits for a view. */
export type ApplyChange = () => Promise<void>;

/** State derived from the event log. The law of every view: following step by step equals rebuilding. */
export interface View {
  /** Reads what `events` touched; `upTo` is the newest event that the read reflects. */
  read(db: Executor, events: readonly FollowedEvent[], upTo: number): Promise<ApplyChange>;
  /** The log was read and had no news. */
  noNews?(): void;
}

export interface Follower {
  /** The newest event that every view reflects. */
  readonly position: number;
  /** Follows from `from`, which the views reflect already: when poked, and each `everyMs` for what other processes commit. */
  start(from: number): void;
  poke(): void;
  /** Resolves true when the views have passed `position`, false when `timeoutMs` went by first. */
  passed(position: number, timeoutMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

const BATCH = 5_000;

export function createFollower(parts: {
  readonly db: Database;
  readonly views: readonly View[];
  readonly everyMs: number;
  /** The store could not be read, or a view failed; the follower tries again. */
  readonly onError: (error: unknown) => void;
}): Follower {
  let position = -1;
  let running: Promise<void> | undefined;
  let again = false;
  let awaited = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const waiting = new Set<{ position: number; resolve: (passed: boolean) => void }>();

  /**
   * Reads in one transaction, applies outside it, then lets go those who wait for the new position.
   * @returns whether there may be more: what is committed meanwhile pokes
   */
  async function step(): Promise<boolean> {
    const read = await inSnapshot(parts.db, async (tx) => {
      const touched = await eventsAfter(tx, position, BATCH);
      if (touched.length === 0) return undefined;
      const upTo = touched.at(-1)?.position ?? position;
      const applies: ApplyChange[] = [];
      for (const view of parts.views) applies.push(await view.read(tx, touched, upTo));
      return { upTo, applies, isWhole: touched.length === BATCH };
    });
    if (!read) {
      for (const view of parts.views) view.noNews?.();
      return false;
    }
    for (const apply of read.applies) await apply();
    position = read.upTo;
    for (const waiter of waiting) if (waiter.position <= position) waiter.resolve(true);
    return read.isWhole;
  }

  async function catchUp(): Promise<void> {
    while (await step());
  }

  const isBehind = () => [...waiting].some((waiter) => waiter.position > position);

  function poke(): void {
    if (stopped) return;
    if (running) {
      again = true;
      return;
    }
    running = (async () => {
      do {
        again = false;
        awaited = false;
        await catchUp().catch(parts.onError);
      } while (again || (awaited && isBehind()));
    })().finally(() => {
      running = undefined;
      // Who came between the loop's last look and here would otherwise wait for the timer.
      if (again || (awaited && isBehind())) poke();
    });
  }

  return {
    get position() {
      return position;
    },
    start(from) {
      position = from;
      timer = setInterval(poke, parts.everyMs);
      timer.unref();
    },
    poke,
    async passed(wanted, timeoutMs) {
      if (position >= wanted) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const waiter = { position: wanted, resolve };
      waiting.add(waiter);
      const timeout = setTimeout(() => resolve(false), timeoutMs);
      // What is being read may have it already.
      if (running) awaited = true;
      else poke();
      try {
        return await promise;
      } finally {
        clearTimeout(timeout);
        waiting.delete(waiter);
      }
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
