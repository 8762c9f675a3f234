import { expect } from "vitest";
import type { Cluster } from "../../scripts/postgres/cluster.ts";
import { type ListeningProcess, startProcess } from "../support/broker-process.ts";
import { federate, registerMesh } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { checkAcknowledged, checkLog, checkServed, watcher } from "./crash-checks.ts";
import { type AuditEvent, allEvents } from "./crash-reading.ts";
import { answered, toldNothing, type World } from "./crash-told.ts";
import { useUntilGone } from "./crash-writers.ts";
import { checkKeyedWrites } from "./keyed-writes.ts";

export interface Campaign {
  /** Times that the broker is killed. */
  readonly kills: number;
  readonly seed: number;
  /** Beside the limits, which are out of the way. */
  readonly env?: Readonly<Record<string, string>>;
  /** A PostgreSQL that is killed as well, this many times in all, while the broker stays up. */
  readonly database?: { readonly cluster: Cluster; readonly kills: number };
  /** What clients talk to in place of the broker: a control puts a bad one there. */
  readonly standIn?: (broker: ListeningProcess) => ListeningProcess;
}

const UNLIMITED = Object.fromEntries(
  [
    ...["REQUESTS_PER_SECOND", "REQUEST_BURST", "OPERATOR_REQUESTS_PER_SECOND", "OPERATOR_REQUEST_BURST"],
    ...["POLLS_PER_SECOND", "POLL_BURST", "FEDERATIONS_PER_MESH", "TOKENS_PER_MESH", "POLLERS_PER_MESH"],
    ...["FEDERATION_CODES_PER_MESH", "REVISIONS_PER_HOUR"],
  ].map((name) => [`ENTENTE_LIMITS_${name}`, "100000"]),
);

/** The seed of a run: that of CRASH_SEED, to have the same again. */
export const crashSeed = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 31);

/** Numbers in [0, 1) that follow from the seed (mulberry32). */
export function numbersFrom(state: number): () => number {
  let at = state;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Kills a broker, and its database, at random amid writes, polls and audit reads; after each kill it starts by itself,
 * with everything that it acknowledged and nothing twice (L2, L19). Prints what it saw.
 * @throws {AssertionError} at the first kill after which it does not
 */
export async function crashCampaign({
  kills,
  seed,
  env = {},
  database,
  standIn = (broker) => broker,
}: Campaign): Promise<void> {
  console.log(`CRASH_SEED=${seed}`);
  const random = numbersFrom(seed);
  const folder = temporaryFolder();
  const start = async () => standIn(await startProcess(folder, { ...UNLIMITED, ...env }));
  let broker = await start();
  const bank = await registerMesh(broker, "bank");
  const shop = await registerMesh(broker, "shop");
  const world: World = { bank, shop, federationId: await federate(broker, bank, shop) };
  const told = toldNothing();
  const watched = watcher(world);
  const rounds = kills + (database?.kills ?? 0);
  const isOfDatabase = (round: number) =>
    database !== undefined &&
    Math.floor(((round + 1) * database.kills) / rounds) > Math.floor((round * database.kills) / rounds);
  let before: readonly AuditEvent[] = [];

  for (let round = 0; round < rounds; round++) {
    let polled = true;
    const watching = (async () => {
      while (polled && (await answered(watched.look(broker))));
    })();
    const using = useUntilGone(broker, world, told);
    // By acknowledgements and not by time, so that a slow machine is killed amid as many writes as a fast one.
    const enough = told.changes + 5 + Math.floor(random() * 15);
    const { answered: keyedBefore } = told.keyed;
    const isEnough = () => told.changes >= enough && told.keyed.answered > keyedBefore;
    const ended = using.then(() => true);
    while (!isEnough() && !(await Promise.race([pause(1), ended])));
    await pause(random() * 20);
    if (database && isOfDatabase(round)) {
      await database.cluster.stop("immediate");
      await using;
      await database.cluster.start();
      while ((await broker.api("GET", "/readyz")).status !== 200) await pause(20);
      polled = false;
      await watching;
    } else {
      await broker.end("SIGKILL");
      await Promise.all([using, watching]);
      broker = await start();
    }
    await watched.look(broker);
    const events = await allEvents(broker);
    checkLog(events, before, told);
    await checkAcknowledged(broker, world, told, events);
    await checkServed(broker, world, events, database !== undefined);
    before = events;
    await checkKeyedWrites(broker, world, told, () => allEvents(broker));
  }
  const { writes, sentAgain } = told.keyed;
  console.log(
    `${kills} kills of the broker, ${database?.kills ?? 0} of its database: ${told.changes} acknowledged changes, ` +
      `${before.length} events, ${watched.seen.size} sequences seen; ${writes.size} writes under a key, of which sent again ` +
      `${sentAgain.done} that had been done and ${sentAgain.undone} that had not`,
  );
  expect(told.changes).toBeGreaterThanOrEqual(5 * rounds);
  expect(watched.seen.size).toBeGreaterThan(rounds / 2);
  if (sentAgain.done === 0)
    throw new Error("no write whose answer was lost was sent again: the campaign shows nothing of L19");
}
