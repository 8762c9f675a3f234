import fc from "fast-check";
import { sql } from "kysely";
import { afterAll, expect, test } from "vitest";
import { describeOnEachEngine, type EmptyDatabase } from "../support/databases.ts";
import { checkRevisions, checkServed, checkSettled, newHistory } from "./laws.ts";
import { checkEventsAgreeWithState } from "./replay.ts";
import { anyStep, opening, type Step } from "./steps.ts";
import { take } from "./take.ts";
import { createWorld, follow, keep } from "./world.ts";

const LONG = process.env.ENTENTE_LONG === "1";
const RUNS = { sqlite: Number(process.env.N ?? (LONG ? 3_000 : 60)), postgres: LONG ? 100 : 4 };

const seen: Record<string, number> = {};
const reached = (what: string) => {
  seen[what] = (seen[what] ?? 0) + 1;
};

async function live(database: EmptyDatabase, steps: readonly Step[]): Promise<void> {
  const world = await createWorld(database, reached);
  const history = newHistory();
  for (const step of [...opening, ...steps]) {
    if (process.env.TRACE) console.log(JSON.stringify(step), world.broker.time.clock(), JSON.stringify(world.model.federations), JSON.stringify((await world.broker.db.selectFrom('federation').select('document').execute()).map((r)=>{const d=JSON.parse(r.document);return {a:d.agreement?.terms,p:d.proposal&&[d.proposal.terms,d.proposal.grantedBy],c:d.consents.map((c:any)=>c.decision),v:d.vetoes.length}})));
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

describeOnEachEngine("whatever meshes, owners, operators, pollers and the clock do, in whatever order", (open) => {
  test("consents bind, sequences rise, and each view of the log is what a rebuild would be", async () => {
    let engine: EmptyDatabase["engine"] = "sqlite";
    const steps = fc.array(anyStep, { minLength: 15, maxLength: 40, size: "max" });
    const first = await open();
    engine = first.engine;
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const database = await open();
        // What lasts through a power failure is another test's matter.
        if (engine === "sqlite") await sql`pragma synchronous = off`.execute(database.db);
        await live(database, all);
        if (engine === "sqlite") await database.db.destroy();
      }),
      { numRuns: RUNS[engine], ...(process.env.SEED ? { seed: Number(process.env.SEED), path: String(process.env.FCPATH) } : {}), ...(process.env.DEV ? { endOnFailure: true, verbose: false } : {}) },
    );
  }, 3_600_000);

  afterAll(() => {
    if (process.env.SHOW) console.log(seen);
    expect(seen.served ?? 0).toBeGreaterThan(0);
  });
});
