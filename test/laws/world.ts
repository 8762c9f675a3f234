import { expect } from "vitest";
import { Refusal } from "../../src/errors.ts";
import { deadlineLook } from "../../src/server/deadline-keeper.ts";
import type { Actor } from "../../src/store/event.ts";
import { eventsAfter, logSize, newestEvent } from "../../src/store/event-log.ts";
import type { Work } from "../../src/store/unit-of-work.ts";
import type { EpochMs } from "../../src/time.ts";
import type { NumberAhead } from "../../src/views/numbers-ahead.ts";
import { createPublication, type Publication } from "../../src/views/publication.ts";
import { readPublication, readPublicationChange } from "../../src/views/publication-view.ts";
import type { EmptyDatabase } from "../support/databases.ts";
import { BROKER_DOMAIN, type StoreBroker, storeBroker } from "../support/store-broker.ts";
import { type Model, newModel } from "./model.ts";

export const TOMBSTONE_SECONDS = 7 * 24 * 3600;
/** Not nought, so that a sequence without its generation is seen to be wrong. */
export const GENERATION = 3;

export interface ModelPoller {
  readonly pollerId: string;
  readonly meshId: string;
  readonly position: number;
  readonly expiresAt: EpochMs | null;
  revoked: boolean;
  /** By trust domain: whether it holds a bundle or was told that there is none. */
  readonly holds: Map<string, "bundle" | "tombstone">;
}

/** A broker, what follows its log, what ought to be served, and what the deadline keeper would know. */
export interface World {
  readonly broker: StoreBroker;
  readonly model: Model;
  readonly pollers: ModelPoller[];
  /** Follows the log change by change from the first event on, or since the last restart. */
  publication: Publication;
  readonly keeper: { on: boolean; readonly look: () => Promise<void>; passed: number };
  /** Numbers that were given out beyond the log, as the endpoint's thread keeps them for its successor. */
  ahead: readonly NumberAhead[];
  readonly reached: (what: string) => void;
  /** Does something in one unit of work: false when the broker refuses, which must leave nothing. */
  attempt<T>(actor: Actor, change: (work: Work) => Promise<T>, done: (answer: T) => void): Promise<boolean>;
}

const newPublication = (ahead: readonly NumberAhead[], onAhead: (all: readonly NumberAhead[]) => void) =>
  createPublication({ brokerTrustDomain: BROKER_DOMAIN, tombstoneSeconds: TOMBSTONE_SECONDS, ahead, onAhead });

export async function createWorld(empty: EmptyDatabase, reached: (what: string) => void): Promise<World> {
  const broker = await storeBroker(empty, { generation: GENERATION });
  const keeper = { on: true, look: () => look(), passed: 0 };
  const { db, unitOfWork, time } = broker;
  const look = deadlineLook({
    db,
    unitOfWork,
    clock: time.clock,
    monotonic: () => keeper.passed,
    lastKnown: await newestEvent(db),
    isShared: false,
  });
  const world: World = {
    broker,
    model: newModel(),
    pollers: [],
    publication: await rebuilt(broker),
    keeper,
    ahead: [],
    reached,
    async attempt(actor, change, done) {
      const before = await logSize(broker.db);
      try {
        done(await broker.run(actor, change));
        return true;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        expect(await logSize(broker.db)).toBe(before);
        reached(error.code);
        return false;
      }
    },
  };
  await restart(world);
  return world;
}

/** What a process that starts now would serve, knowing what an earlier one gave out beyond the log. */
export async function rebuilt(
  { db, generation, time }: StoreBroker,
  ahead: readonly NumberAhead[] = [],
  onAhead: (all: readonly NumberAhead[]) => void = () => {},
): Promise<Publication> {
  const publication = newPublication(ahead, onAhead);
  await db.transaction().execute(async (tx) => {
    for await (const change of readPublication(tx, await logSize(tx), generation))
      publication.apply(change, time.clock());
  });
  return publication;
}

/** Lets the publication follow the log, as the follower would. */
export async function follow({ broker: { db, generation, time }, publication }: World): Promise<void> {
  const change = await db.transaction().execute(async (tx) => {
    const events = await eventsAfter(tx, publication.position(), 1_000);
    const upTo = events.at(-1)?.position;
    return upTo === undefined ? undefined : readPublicationChange(tx, events, upTo, generation);
  });
  if (change) publication.apply(change, time.clock());
}

/** Time goes by. */
export function pass(world: World, ms: number): void {
  world.broker.time.pass(ms);
  world.keeper.passed += ms;
}

/** Somebody sets the clock. */
export function setClock(world: World, at: EpochMs): void {
  world.broker.time.setClock(at);
}

/** One look of the deadline keeper. */
export async function keep({ broker, keeper, reached }: World): Promise<void> {
  if (!keeper.on) return;
  const before = await logSize(broker.db);
  await keeper.look();
  if ((await logSize(broker.db)) > before) reached("the keeper settled something");
}

/** Another process takes over, with nothing but the store and what was kept of numbers beyond it. */
export async function restart(world: World): Promise<void> {
  if (world.ahead.length > 0) world.reached("restarted with numbers beyond the log");
  world.publication = await rebuilt(world.broker, world.ahead, (all) => {
    world.ahead = all;
  });
  world.reached("restarted");
}
