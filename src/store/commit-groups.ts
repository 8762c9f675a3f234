import { CompiledQuery } from "kysely";
import { overloaded } from "../errors.ts";
import { isUnavailable } from "./storage-errors.ts";
import type { Database, Executor } from "./tables.ts";
import { inTransaction } from "./transaction.ts";

/**
 * Changes come by turns, so that no crowd of them grows without end before the database (L18), and those that wait together
 * share one transaction, since its commit costs as much as they do. Each is a savepoint in it: one that is refused takes
 * nothing from the others, and none is answered before all are committed.
 */
export interface CommitGroups {
  /**
   * Performs `act` when its turn comes; resolves or rejects as it did, once its group is committed. After one that has called
   * `endGroup` nothing but the commit comes.
   * @throws {Refusal} `overloaded` where too many wait, or its turn did not come in time: nothing of it was begun;
   * and whatever kept the group from being committed
   */
  perform<T>(act: Change<T>): Promise<T>;
}

type Change<T> = (tx: Executor, endGroup: () => void) => Promise<T>;

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
/** A group takes others in for as long as so many commits take: who was first waits for no more than that. */
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
        const outcomes: Outcome[] = [];
        let isEnded = false;
        const endGroup = () => {
          isEnded = true;
        };
        const until = monotonic() + COMMITS_LONG * lastCommitMs;
        // Where the transaction is tried again, those who were in it come first.
        for (let index = 0; index < MOST_IN_GROUP && !isEnded; index += 1) {
          const isFull = index > 0 && monotonic() > until;
          const member = group[index] ?? (isFull ? undefined : nextOf(waiting));
          if (!member) break;
          group[index] = member;
          outcomes.push(await inSavepoint(tx, () => member.act(tx, endGroup)));
        }
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

const SAVEPOINT = CompiledQuery.raw("savepoint change");
const RELEASE = CompiledQuery.raw("release savepoint change");
const UNDO = CompiledQuery.raw("rollback to savepoint change");

/** @throws whatever ends the transaction itself, for all that are in it */
async function inSavepoint(tx: Executor, act: () => Promise<unknown>): Promise<Outcome> {
  await tx.executeQuery(SAVEPOINT);
  try {
    const answer = await act();
    await tx.executeQuery(RELEASE);
    return { answer };
  } catch (error) {
    if (isUnavailable(error)) throw error;
    await tx.executeQuery(UNDO).catch(() => {
      throw error;
    });
    return { error };
  }
}
