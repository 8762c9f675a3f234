import { CompiledQuery } from "kysely";
import { overloaded } from "../errors.ts";
import type { EpochMs } from "../time.ts";
import type { SealedEvent } from "./event.ts";
import { appendEvents, type LogHead, lockLogHead } from "./event-log.ts";
import { isUnavailable } from "./storage-errors.ts";
import type { Database, Executor } from "./tables.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Changes come by turns, so that no crowd of them grows without end before the database (L18), and those that wait together
 * share one transaction, since its commit costs as much as they do. Each is a savepoint in it: one that is refused takes
 * nothing from the others, and none is answered before all are committed. Their events are written together: where that fails
 * or the commit does, all of them have failed.
 */
export interface CommitGroups {
  /**
   * Performs `act` when its turn comes; resolves or rejects as it did, once its group is committed, with what it appended to
   * the log.
   * @throws {Refusal} `overloaded` where too many wait, or its turn did not come in time: nothing of it was begun;
   * and whatever kept the group from being committed
   */
  perform<T>(act: Change<T>): Promise<T>;
}

type Change<T> = (tx: Executor, group: Group) => Promise<T>;

/** The changes that share a transaction, which holds the log's head. */
export interface Group {
  /** Position of the newest event, the group's own among them. */
  newest(): number;
  /** As it was when the group began. */
  readonly expiriesToldTo: EpochMs;
  /** Written with those of the others when all are done; taken back where the change is. */
  append(events: readonly SealedEvent[]): void;
  /** Writes what was appended so far: after this change nothing but the commit comes, unless it is taken back. */
  end(): Promise<void>;
}

export interface GroupLimits {
  /** How many changes are under way or wait. */
  readonly inFlight: number;
  /** How long one waits for its turn, in milliseconds. */
  readonly waitMs: number;
  /** In milliseconds. */
  readonly monotonic: () => number;
}

/** Readers of the embedded database wait for a whole group. */
const MOST_IN_GROUP = 16;
/** A group takes others in for so long, or for as long as so many commits take: who was first waits for no more than that. */
const TAKES_IN_MS = 10;
const COMMITS_LONG = 4;

interface Waiting {
  readonly act: Change<unknown>;
  readonly end: PromiseWithResolvers<unknown>;
  readonly patience: NodeJS.Timeout;
}

type Outcome = { readonly answer: unknown } | { readonly error: unknown };

export function commitGroups(db: Database, { inFlight, waitMs, monotonic }: GroupLimits): CommitGroups {
  const waiting = new Set<Waiting>();
  let count = 0;
  let underWay = false;
  let lastCommitMs = 0;

  async function performAll(): Promise<void> {
    let left: Waiting[] = [];
    while (left.length + waiting.size > 0) left = await performGroup(left);
    underWay = false;
  }

  /** Those of `group` come first; returns those for whom it ended too early. */
  async function performGroup(group: Waiting[]): Promise<Waiting[]> {
    let left: Waiting[] = [];
    let doneAt = 0;
    try {
      const outcomes = await inTransaction(db, async (tx) => {
        const outcomes = await performMembers(tx, group);
        doneAt = monotonic();
        return outcomes;
      });
      lastCommitMs = monotonic() - doneAt;
      left = group.splice(outcomes.length);
      for (const [index, { end }] of group.entries()) {
        const outcome = outcomes[index] as Outcome;
        if ("error" in outcome) end.reject(outcome.error);
        else end.resolve(outcome.answer);
      }
    } catch (error) {
      for (const { end } of group) end.reject(error);
      // Before the first was begun: the next finds out for itself whether the database is back.
      if (group.length === 0) nextOf(waiting)?.end.reject(error);
    }
    return left;
  }

  /** Takes in those who wait. Where the transaction is tried again, those who were in it come first. */
  async function performMembers(tx: Executor, group: Waiting[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    const until = monotonic() + Math.max(TAKES_IN_MS, COMMITS_LONG * lastCommitMs);
    let log: GroupLog | undefined;
    while (outcomes.length < MOST_IN_GROUP && !log?.isEnded) {
      const isFull = outcomes.length > 0 && monotonic() > until;
      const member = group[outcomes.length] ?? (isFull ? undefined : nextOf(waiting));
      if (!member) break;
      group[outcomes.length] = member;
      // Whoever is taken in waits for the head as long as the database does.
      log ??= groupLog(tx, await lockLogHead(tx));
      outcomes.push(await inSavepoint(tx, log, member.act));
    }
    if (log && !log.isEnded) await appendEvents(tx, log.events);
    return outcomes;
  }

  return {
    async perform<T>(act: Change<T>) {
      if (count >= inFlight) throw overloaded("too many changes are under way");
      count += 1;
      const end = Promise.withResolvers<unknown>();
      const patience = setTimeout(() => {
        if (waiting.delete(member)) end.reject(overloaded("the change's turn did not come in time"));
      }, waitMs);
      const member: Waiting = { act, end, patience };
      waiting.add(member);
      if (!underWay) {
        underWay = true;
        // Whatever came with the same turn of the loop is in the group.
        setImmediate(performAll);
      }
      try {
        return (await end.promise) as T;
      } finally {
        count -= 1;
      }
    },
  };
}

function nextOf(waiting: Set<Waiting>): Waiting | undefined {
  const [member] = waiting;
  if (!member) return undefined;
  waiting.delete(member);
  clearTimeout(member.patience);
  return member;
}

/** One within the other: `UNDO` goes back to the newest, and the commit releases them all, so that nobody else need do it. */
const SAVEPOINT = CompiledQuery.raw("savepoint change");
const UNDO = CompiledQuery.raw("rollback to savepoint change");

/** @throws whatever ends the transaction itself, for all that are in it */
async function inSavepoint(tx: Executor, log: GroupLog, act: Change<unknown>): Promise<Outcome> {
  const before = log.events.length;
  await tx.executeQuery(SAVEPOINT);
  try {
    return { answer: await act(tx, log) };
  } catch (error) {
    if (isUnavailable(error)) throw error;
    await tx.executeQuery(UNDO).catch(() => {
      throw error;
    });
    log.takeBack(before);
    return { error };
  }
}

interface GroupLog extends Group {
  readonly events: readonly SealedEvent[];
  readonly isEnded: boolean;
  /** All but so many: their change was rolled back. */
  takeBack(count: number): void;
}

function groupLog(tx: Executor, { size, expiriesToldTo }: LogHead): GroupLog {
  const events: SealedEvent[] = [];
  let isEnded = false;
  return {
    events,
    get isEnded() {
      return isEnded;
    },
    expiriesToldTo,
    newest: () => events.at(-1)?.position ?? size,
    append(more) {
      for (const event of more) events.push(event);
    },
    async end() {
      await appendEvents(tx, events);
      isEnded = true;
    },
    takeBack(count) {
      events.length = count;
      isEnded = false;
    },
  };
}
