import { Refusal } from "../errors.ts";
import { type Randomness, randomId } from "../randomness.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import { type Clock, type EpochMs, SECOND_MS } from "../time.ts";
import type { CommitGroups, Group } from "./commit-groups.ts";
import {
  type Actor,
  bearsSequence,
  type EventActor,
  type EventType,
  type NewEvent,
  type SealedEvent,
  type Subject,
  sealEvent,
} from "./event.ts";
import { expiriesToldTo, setExpiriesToldTo } from "./event-log.ts";
import { asStorageRefusal } from "./storage-errors.ts";
import type { Executor } from "./tables.ts";

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
   * @throws {Error} of what a token would have done for a mesh that it does not administer
   */
  record(event: NewEvent): number;
  /** The events so far, derived ones too once it is settled. */
  readonly recorded: readonly Recorded[];
  /** Position of the newest event: of the log, or of what was recorded since. */
  readonly newest: number;
  /** The event that the others follow from; undefined before the first. */
  readonly cause: Cause | undefined;
  /** What happens to a trust domain follows from what the broker did there by itself, where it did, or else from `cause`. */
  causeOf(trustDomain: TrustDomain): Cause | undefined;
  /** What this change may have altered for others; looked at once, before the commit. */
  readonly touched: Touched;
  /**
   * Has `act` done when all else is, that of the changes which share the commit too, just before the commit, and not at all
   * where the work is rolled back or only tried: for what lies outside the database, such as a file. The commit can still fail
   * after it; where PostgreSQL then asks for another attempt, `act` is done again with the rest (L13).
   */
  beforeCommit(act: () => Promise<void>): void;
}

/** An event as it was recorded. */
export interface Recorded {
  readonly type: EventType;
  readonly subjects: readonly Subject[];
  readonly actingMesh: string | null;
  readonly outcome: "done" | "refused";
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Why the derived events of a unit of work happen. */
export interface Cause {
  readonly type: EventType;
  readonly subjects: readonly Subject[];
  readonly reason: string | null;
  readonly actingMesh: string | null | undefined;
  readonly actor: EventActor;
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
   * Runs `change` as one and resolves when it is committed and the views have passed it.
   * @throws {Refusal} what `change` throws, rolled back; `storage-unavailable` when the database cannot write;
   * `overloaded` when its turn did not come (L18)
   */
  run<T>(actor: Actor, change: (work: Work) => Promise<T>): Promise<T>;
  /** As above; `conclude` makes the answer of what `change` did once that is settled, in the same transaction. */
  run<T, U>(
    actor: Actor,
    change: (work: Work) => Promise<T>,
    conclude: (work: Work, done: T) => Promise<U>,
  ): Promise<U>;
}

/** Thrown by `conclude`: the unit of work answers this, and nothing of it happens. */
export class RollBack {
  readonly answer: unknown;

  constructor(answer: unknown) {
    this.answer = answer;
  }
}

export interface UnitOfWorkParts {
  readonly groups: CommitGroups;
  readonly clock: Clock;
  readonly random: Randomness;
  readonly generation: number;
  /** Other servers write to the log too, by clocks of their own. */
  readonly isShared: boolean;
  /** That the actor may still act, at the moment of the change. @throws {Refusal} Handed in, as `settle` is. */
  readonly requireActor: (work: Work) => Promise<void>;
  /** Republishes what was touched. Handed in, so that the store imports no feature. */
  readonly settle: (work: Work) => Promise<void>;
  /** Called with the newest position after each commit; the answer leaves when it resolves. */
  readonly committed: (position: number) => Promise<void>;
  /** Told of each change that the database could not take. */
  readonly onUnavailable?: () => void;
}

export function createUnitOfWork(parts: UnitOfWorkParts): UnitOfWork {
  return {
    async run<T>(
      actor: Actor,
      change: (work: Work) => Promise<T>,
      conclude: (work: Work, done: T) => Promise<unknown> = async (_work, done) => done,
    ) {
      let newest = 0;
      const act = async (tx: Executor, group: Group): Promise<unknown> => {
        // Of an attempt that was rolled back nothing is acknowledged.
        newest = 0;
        const events: SealedEvent[] = [];
        const outside: (() => Promise<void>)[] = [];
        const work = newWork(parts, tx, actor, group.newest(), { events, outside });
        // By a clock that was set back things expire again, and the log says so again (L6). Of several servers that differ
        // each would take back what another told, change by change: there it is the keeper of deadlines' alone.
        if (!parts.isShared && group.expiriesToldTo > work.now + SECOND_MS) await takeBackExpiries(work);
        await parts.requireActor(work);
        const done = await change(work);
        await parts.settle(work);
        const answer = await conclude(work, done);
        group.append(events);
        if (outside.length > 0) await group.end();
        for (const act of outside) await act();
        newest = events.at(-1)?.position ?? 0;
        return answer;
      };
      const result = await parts.groups.perform(act).catch((error: unknown) => {
        if (error instanceof RollBack) return error.answer;
        const told = asStorageRefusal(error);
        if (told instanceof Refusal && told.code === "storage-unavailable") parts.onUnavailable?.();
        throw told;
      });
      if (newest > 0) await parts.committed(newest);
      return result;
    },
  } as UnitOfWork;
}

/** A change before it in the group may have done it: what has expired since then is still to be said. */
async function takeBackExpiries({ tx, now }: Work): Promise<void> {
  if ((await expiriesToldTo(tx)) > now + SECOND_MS) await setExpiriesToldTo(tx, now);
}

/** What a unit of work gathers until it is done. */
interface Gathered {
  readonly events: SealedEvent[];
  readonly outside: (() => Promise<void>)[];
}

function newWork(parts: UnitOfWorkParts, tx: Executor, actor: Actor, head: number, gathered: Gathered): Work {
  const { events, outside } = gathered;
  const now = parts.clock();
  let cause: Cause | undefined;
  const brokersOwn = new Map<Subject, Cause>();
  return {
    get recorded() {
      return events.map(({ type, subjects, detail: { actingMesh, outcome, fields } }) => ({
        type,
        subjects,
        actingMesh,
        outcome,
        fields,
      }));
    },
    get newest() {
      return head + events.length;
    },
    get cause() {
      return cause;
    },
    causeOf: (trustDomain) => brokersOwn.get(`trust-domain/${trustDomain}`) ?? cause,
    tx,
    now,
    actor,
    random: parts.random,
    generation: parts.generation,
    touched: newTouched(),
    beforeCommit: (act) => void outside.push(act),
    record(event) {
      // The position before a sequence-bearing one stays free for what the clock changes before the log can say so.
      if (events.length === 0 && bearsSequence(event.type)) throw new Error(`a unit of work began with ${event.type}`);
      const asCause = {
        type: event.type,
        subjects: event.subjects,
        reason: (event.fields?.reason as string | undefined) ?? null,
        actingMesh: event.actingMesh,
      };
      cause ??= { ...asCause, actor };
      const isBrokersOwn = event.actor?.kind === "broker" && event.actor !== actor;
      for (const subject of isBrokersOwn ? event.subjects : [])
        if (!brokersOwn.has(subject)) brokersOwn.set(subject, { ...asCause, actor: event.actor ?? actor });
      const position = head + events.length + 1;
      const whole =
        event.actingMesh === undefined && cause.actingMesh !== undefined
          ? { ...event, actingMesh: cause.actingMesh }
          : event;
      requireActsFor(whole, event.actor ?? actor);
      const eventId = randomId(parts.random, "evt");
      events.push(sealEvent(whole, { position, at: now, actor: event.actor ?? actor, eventId, random: parts.random }));
      return position;
    },
  };
}

/**
 * What an operator does is no mesh's act: told as one, it would show that mesh's people the operator's address, and to auditors
 * somebody who did not do it (S21). An attempt is told of whom it spoke for, a viewer too.
 */
function requireActsFor({ type, actingMesh, outcome }: NewEvent, actor: EventActor): void {
  if (actor.kind !== "token" || actingMesh == null || outcome === "refused") return;
  if (!actor.adminOf?.includes(actingMesh))
    throw new Error(`${type} would be ${actingMesh}'s act, by a token that does not administer it`);
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
