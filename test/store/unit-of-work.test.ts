import { sql } from "kysely";
import { expect, it } from "vitest";
import { expiriesToldTo, setExpiriesToldTo } from "../../src/store/event-log.ts";
import { HOUR_MS } from "../../src/time.ts";
import { describeOnEachEngine, openSqliteFile } from "../support/databases.ts";
import { NOON, operator, storeBroker } from "../support/store-broker.ts";

const updated = { type: "mesh.updated", subjects: ["mesh/shop"] } as const;

it("what lies outside the database is done when the change's events are in it, and not at all where they do not fit", async () => {
  const { db, run } = await storeBroker(await openSqliteFile());
  const seen: number[] = [];
  const change = () =>
    run(operator, async (work) => {
      const position = work.record(updated);
      work.beforeCommit(async () => {
        const { rows } = await sql`select 1 from event where position = ${position}`.execute(work.tx);
        seen.push(rows.length);
      });
    });
  await change();
  expect(seen).toEqual([1]);
  await sql`create trigger full before insert on event begin select raise(abort, 'full'); end`.execute(db);
  await expect(change()).rejects.toThrow("full");
  expect(seen).toEqual([1]);
});

describeOnEachEngine("L6: by a clock that was set back", (open) => {
  it("changes that share a commit take back once what the log says has expired, so that nothing between them is left out", async () => {
    const { db, run, time } = await storeBroker(await open());
    await setExpiriesToldTo(db, NOON + HOUR_MS);
    const change = () =>
      run(operator, async (work) => {
        work.record(updated);
        time.pass(400);
      });
    await Promise.all([change(), change(), change()]);
    expect(await expiriesToldTo(db)).toBe(NOON);
  });
});
