import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, expect, test } from "vitest";
import { describeOnEachEngine, type EmptyDatabase } from "../support/databases.ts";
import { checkRevisions, checkServed, checkSettled, newHistory } from "./laws.ts";
import { checkEventsAgreeWithState } from "./replay.ts";
import { anyStep, opening, type Step } from "./steps.ts";
import { take } from "./take.ts";
import { createWorld, follow, keep } from "./world.ts";

/** ENTENTE_LONG=1 looks for what few runs do not find. */
const LONG = process.env.ENTENTE_LONG === "1";
const RUNS = LONG ? { sqlite: 5_000, postgres: 200 } : { sqlite: 40, postgres: 3 };
/** A failure found in time is shrunk for as long; an unfinished campaign is no failure. */
const LIMIT_MS = LONG ? 3_600_000 : 60_000;

const seen: Record<string, number> = {};
const reached = (what: string) => {
  seen[what] = (seen[what] ?? 0) + 1;
};

async function live(database: EmptyDatabase, steps: readonly Step[]): Promise<void> {
  const world = await createWorld(database, reached);
  const history = newHistory();
  for (const step of [...opening, ...steps]) {
    await take(world, step);
    await checkRevisions(world, history, false);
    await follow(world);
    checkServed(world, history);
    await keep(world);
    await checkRevisions(world, history, world.keeper.on);
    await follow(world);
    checkServed(world, history);
    if (world.keeper.on) await checkSettled(world, history);
  }
  await checkEventsAgreeWithState(world.broker.db);
}

describeOnEachEngine(
  "whatever meshes, owners, operators, pollers and the clock do, in whatever order",
  (open, engine) => {
    test(
      "consents bind, sequences rise, and each view of the log is what a rebuild would be",
      async () => {
        const steps = fc.array(anyStep, { minLength: 15, maxLength: 40, size: "max" });
        await fc.assert(
          fc.asyncProperty(steps, async (all) => {
            const database = await open();
            // What lasts through a power failure is another test's matter.
            if (engine === "sqlite") await sql`pragma synchronous = off`.execute(database.db);
            await live(database, all);
            if (engine === "sqlite") await database.db.destroy();
          }),
          { numRuns: RUNS[engine], interruptAfterTimeLimit: LIMIT_MS, markInterruptAsFailure: false },
        );
      },
      2 * LIMIT_MS,
    );
  },
);

afterAll(() => {
  const often = ["served", "served to anybody", "gone", "grant", "withdraw", "other terms", "revoked", "deleted"];
  // What takes several steps in a row is reached by a campaign; a few runs may miss one of them.
  const seldom = [
    "distrusted",
    "trusted again",
    "served without what it distrusts",
    "an owner decided",
    "suspended",
    "a suspension ended",
    "the keeper settled something",
    "restarted",
    "restarted with numbers beyond the log",
  ];
  for (const what of LONG ? [...often, ...seldom] : often)
    expect(seen[what] ?? 0, `reached: ${what}`).toBeGreaterThan(0);
});
