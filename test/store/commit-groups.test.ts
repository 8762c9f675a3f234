import { sql } from "kysely";
import { expect, it } from "vitest";
import { Refusal } from "../../src/errors.ts";
import { commitGroups } from "../../src/store/commit-groups.ts";
import type { Database, Executor } from "../../src/store/tables.ts";
import { describeOnEachEngine, openSqliteFile } from "../support/databases.ts";

const OVERLOADED = { code: "overloaded", extra: { retryAfterSeconds: 1 } };
/** Nothing takes any time: whoever waits is taken in. */
const PATIENT = { inFlight: 100, waitMs: 60_000, monotonic: () => 0 };

/** A table whose second column is checked at the commit alone. */
async function withNotes(db: Database): Promise<Database> {
  await sql`create table note (name varchar(40) primary key,
    follows varchar(40) references note (name) deferrable initially deferred)`.execute(db);
  return db;
}
const write =
  (name: string, follows: string | null = null) =>
  async (tx: Executor) => {
    await sql`insert into note (name, follows) values (${name}, ${follows})`.execute(tx);
    return name;
  };
async function notes(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from note order by name`.execute(db);
  return rows.map(({ name }) => name);
}

/** A change that ends when it is told to. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { end: resolve, change: () => promise };
}

describeOnEachEngine("changes that wait together share a commit", (open) => {
  it("in the order in which they came, each with its own answer", async () => {
    const db = await withNotes((await open()).db);
    const groups = commitGroups(db, PATIENT);
    const begun: string[] = [];
    const names = Array.from({ length: 40 }, (_, index) => `note-${String(index).padStart(2, "0")}`);
    const answers = await Promise.all(
      names.map((name) =>
        groups.perform((tx) => {
          begun.push(name);
          return write(name)(tx);
        }),
      ),
    );
    expect(answers).toEqual(names);
    expect(begun).toEqual(names);
    expect(await notes(db)).toEqual(names);
  });

  it("one that is refused, by a rule or by the database, leaves nothing and takes nothing from the others", async () => {
    const db = await withNotes((await open()).db);
    const groups = commitGroups(db, PATIENT);
    const refusing = async (tx: Executor) => {
      await write("refused")(tx);
      throw new Refusal("not-found", "by a rule");
    };
    const outcomes = await Promise.allSettled(
      [write("a"), refusing, write("a"), write("b")].map((change) => groups.perform<string>(change)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(outcomes[1]).toMatchObject({ reason: { code: "not-found" } });
    expect(await notes(db)).toEqual(["a", "b"]);
  });

  it("and where that fails none of them is acknowledged, and nothing of any is there", async () => {
    const db = await withNotes((await open()).db);
    const groups = commitGroups(db, PATIENT);
    const changes = [write("a"), write("b", "nobody"), write("c")];
    const outcomes = await Promise.allSettled(changes.map((change) => groups.perform(change)));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await notes(db)).toEqual([]);
    expect(await groups.perform(write("a"))).toBe("a");
  });

  it("a change that ends its group is the last in it: no other's failure comes between it and the commit", async () => {
    const db = await withNotes((await open()).db);
    const groups = commitGroups(db, PATIENT);
    const ending = (tx: Executor, endGroup: () => void) => {
      endGroup();
      return write("ending")(tx);
    };
    const changes = [write("a"), ending, write("b", "nobody")];
    const outcomes = await Promise.allSettled(changes.map((change) => groups.perform(change)));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(await notes(db)).toEqual(["a", "ending"]);
  });

  it("also where it ends it in a second attempt alone: those that came after it are the next group", async () => {
    const db = await withNotes((await open()).db);
    const groups = commitGroups(db, PATIENT);
    let attempts = 0;
    const ending = (tx: Executor, endGroup: () => void) => {
      attempts += 1;
      if (attempts > 1) endGroup();
      return write("ending")(tx);
    };
    let asked = false;
    const asksOnce = async (tx: Executor) => {
      if (asked) return write("b", "nobody")(tx);
      asked = true;
      throw Object.assign(new Error("deadlock"), { code: "40P01" });
    };
    const outcomes = await Promise.allSettled([ending, asksOnce].map((change) => groups.perform(change)));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(await notes(db)).toEqual(["ending"]);
  });

  it("a group takes nobody in any more when it has lasted as long as four commits: what comes then is committed by itself", async () => {
    const db = await withNotes((await open()).db);
    let now = 0;
    const groups = commitGroups(db, { ...PATIENT, monotonic: () => now });
    const slow = (change: (tx: Executor) => Promise<string>) => (tx: Executor) => {
      now += 1;
      return change(tx);
    };
    const changes = [write("a"), write("b", "nobody"), write("c")].map(slow);
    const outcomes = await Promise.allSettled(changes.map((change) => groups.perform(change)));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await notes(db)).toEqual(["a", "c"]);
  });
});

describeOnEachEngine("L18: turns of changes", (open) => {
  it("are refused to one too many at once, and are there again when one has ended", async () => {
    const groups = commitGroups((await open()).db, { ...PATIENT, inFlight: 2 });
    const [first, second] = [held(), held()];
    const both = [groups.perform(first.change), groups.perform(second.change)];
    await expect(groups.perform(async () => {})).rejects.toMatchObject(OVERLOADED);
    first.end();
    second.end();
    await Promise.all(both);
    expect(await groups.perform(async () => "done")).toBe("done");
  });

  it("are given up after the wait, and what was given up is never begun", async () => {
    const groups = commitGroups((await open()).db, { ...PATIENT, waitMs: 20 });
    const first = held();
    const holding = groups.perform(first.change);
    let begun = false;
    const late = groups.perform(async () => {
      begun = true;
    });
    await expect(late).rejects.toMatchObject(OVERLOADED);
    first.end();
    await holding;
    expect(await groups.perform(async () => "the next")).toBe("the next");
    expect(begun).toBe(false);
  });
});

it("a database that is gone refuses each that waits, and none of them waits for ever", async () => {
  const { db } = await openSqliteFile();
  const groups = commitGroups(db, PATIENT);
  await groups.perform(async () => {});
  await db.destroy();
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => groups.perform(async () => "done")));
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
});
