import { type Randomness, randomId } from "../randomness.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { Clock, EpochMs } from "../time.ts";
import { type Actor, bearsSequence, type EventType, type NewEvent, type SealedEvent, sealEvent } from "./event.ts";
import { appendEvents, lockLogHead } from "./event-log.ts";
import { asStorageRefusal } from "./storage-errors.ts";
import type { Database, Executor } from "./tables.ts";

/** One change of the broker's state: everything done through it commits together with its events, or not at all. */
export interface Work {
  readonly tx: Executor;
  readonly now: EpochMs;
  readonly actor: Actor;
  readonly random: Randomness;
  /** The high part of every sequence; a restore raises it. */
  readonly generation: number;
  /**
   * Says what happened. Appended to the event log when the work is done, in this order; returns its position. What is
   * recorded without an acting mesh was done for the mesh that acted first.
   */
  record(event: NewEvent): number;
  /** Position of the newest event: of the log, or of what was recorded since. */
  readonly newest: number;
  /** The event that the others follow from; undefined before the first. */
  readonly cause: Cause | undefined;
  /** What this change may have altered for others; looked at once, before the commit. */
  readonly touched: Touched;
}

/** Why the derived events of a unit of work happen. */
export interface Cause {
  readonly type: EventType;
  readonly reason: string | null;
  readonly actingMesh: string | undefined;
}

/** Which bundles, and which consumers' access to which bundles, a unit of work may have changed. */
export interface Touched {
  bundle(trustDomain: TrustDomain): void;
  access(meshId: string, trustDomain: TrustDomain): void;
  readonly bundles: ReadonlySet<TrustDomain>;
  readonly accesses: ReadonlyMap<string, { readonly meshId: string; readonly trustDomain: TrustDomain }>;
}

export interface UnitOfWork {
  /**
   * Runs `change` in one transaction and resolves when it is committed and the views have passed it.
   * @throws {Refusal} what `change` throws, rolled back; `storage-unavailable` when the database cannot write
   */
  run<T>(actor: Actor, change: (work: Work) => Promise<T>): Promise<T>;
}

export interface UnitOfWorkParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly generation: number;
  /** That the actor may still act, at the moment of the change. @throws {Refusal} Handed in, as `settle` is. */
  readonly admit: (work: Work) => Promise<void>;
  /** Republishes what was touched. Handed in, so that the store imports no feature. */
  readonly settle: (work: Work) => Promise<void>;
  /** Called with the newest position after each commit; the answer leaves when it resolves. */
  readonly committed: (position: number) => Promise<void>;
}

export function createUnitOfWork(parts: UnitOfWorkParts): UnitOfWork {
  return {
    async run(actor, change) {
      let newest = 0;
      const result = await parts.db
        .transaction()
        .execute(async (tx) => {
          const events: SealedEvent[] = [];
          const work = newWork(parts, tx, actor, await lockLogHead(tx), events);
          await parts.admit(work);
          const answer = await change(work);
          await parts.settle(work);
          await appendEvents(tx, events);
          newest = events.at(-1)?.position ?? 0;
          return answer;
        })
        .catch((error: unknown) => {
          throw asStorageRefusal(error);
        });
      if (newest > 0) await parts.committed(newest);
      return result;
    },
  };
}

function newWork(parts: UnitOfWorkParts, tx: Executor, actor: Actor, head: number, events: SealedEvent[]): Work {
  const now = parts.clock();
  let cause: Cause | undefined;
  return {
    get newest() {
      return head + events.length;
    },
    get cause() {
      return cause;
    },
    tx,
    now,
    actor,
    random: parts.random,
    generation: parts.generation,
    touched: newTouched(),
    record(event) {
      // The position before a sequence-bearing one stays free for what the clock changes before the log can say so.
      if (events.length === 0 && bearsSequence(event.type)) throw new Error(`a unit of work began with ${event.type}`);
      cause ??= {
        type: event.type,
        reason: (event.fields?.reason as string | undefined) ?? null,
        actingMesh: event.actingMesh,
      };
      const position = head + events.length + 1;
      const whole =
        event.actingMesh === undefined && cause.actingMesh !== undefined
          ? { ...event, actingMesh: cause.actingMesh }
          : event;
      const eventId = randomId(parts.random, "evt");
      events.push(sealEvent(whole, { position, at: now, actor, eventId, random: parts.random }));
      return position;
    },
  };
}

function newTouched(): Touched {
  const bundles = new Set<TrustDomain>();
  const accesses = new Map<string, { meshId: string; trustDomain: TrustDomain }>();
  return {
    bundles,
    accesses,
    bundle: (trustDomain) => void bundles.add(trustDomain),
    access: (meshId, trustDomain) => void accesses.set(`${meshId} ${trustDomain}`, { meshId, trustDomain }),
  };
}
