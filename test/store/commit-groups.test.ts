import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { expect, it } from "vitest";
import { Refusal } from "../../src/errors.ts";
import { commitGroups, type Group } from "../../src/store/commit-groups.ts";
import { sealEvent, systemActor } from "../../src/store/event.ts";
import { eventsAfter, logSize } from "../../src/store/event-log.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Database, Executor } from "../../src/store/tables.ts";
import { describeOnEachEngine, type OpenDatabase, openSqliteFile } from "../support/databases.ts";

const OVERLOADED = { code: "overloaded", extra: { retryAfterSeconds: 1 } };
/** Nothing takes any time: whoever waits is taken in. */
const PATIENT = { inFlight: 100, waitMs: 60_000, monotonic: () => 0 };

async function withLog(open: OpenDatabase): Promise<Database> {
  const { db, engine } = await open();
  await migrate(db, engine);
  return db;
}

/** A table whose second column is checked at the commit alone. */
async function withNotes(open: OpenDatabase): Promise<Database> {
  const db = await withLog(open);
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

/** A change that appends so many events to the log, and answers their positions. */
const log =
  (count: number, fails = false) =>
  async (_tx: Executor, group: Group) => {
    const first = group.newest() + 1;
    const events = Array.from({ length: count }, (_, index) =>
      sealEvent(
        { type: "mesh.updated", subjects: ["mesh/shop"] },
        { position: first + index, at: 0, actor: systemActor, eventId: `evt_${first + index}`, random: randomBytes },
      ),
    );
    group.append(events);
    if (fails) throw new Refusal("not-found", "after it was logged");
    return events.map(({ position }) => position);
  };

/** A change that ends when it is told to. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { end: resolve, change: () => promise };
}

describeOnEachEngine("changes that wait together share a commit", (open) => {
  it("in the order in which they came, each with its own answer", async () => {
    const db = await withNotes(open);
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

  it("and are logged together: positions are dense, and what a refused one had appended is not there", async () => {
    const db = await withLog(open);
    const groups = commitGroups(db, PATIENT);
    const changes = [log(2), log(3, true), log(1), log(0), log(2)];
    const outcomes = await Promise.allSettled(changes.map((change) => groups.perform(change)));
    const positions = outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : "refused"));
    expect(positions).toEqual([[1, 2], "refused", [3], [], [4, 5]]);
    expect((await eventsAfter(db, 0, 100)).map(({ position }) => position)).toEqual([1, 2, 3, 4, 5]);
    expect(await logSize(db)).toBe(5);
    expect(await groups.perform(log(1))).toEqual([6]);
  });

  it("and those that were logged before one that ends the group and is then refused are logged all the same", async () => {
    const db = await withLog(open);
    const groups = commitGroups(db, PATIENT);
    const ending = async (tx: Executor, group: Group) => {
      await log(1)(tx, group);
      await group.end();
      throw new Refusal("not-found", "after it was written");
    };
    const outcomes = await Promise.allSettled([log(2), ending, log(1)].map((change) => groups.perform(change)));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((await eventsAfter(db, 0, 100)).map(({ position }) => position)).toEqual([1, 2, 3]);
  });

  it("one that is refused, by a rule or by the database, leaves nothing and takes nothing from the others", async () => {
    const db = await withNotes(open);
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
    const db = await withNotes(open);
    const groups = commitGroups(db, PATIENT);
    const changes = [write("a"), write("b", "nobody"), write("c")];
    const outcomes = await Promise.allSettled(changes.map((change) => groups.perform(change)));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await notes(db)).toEqual([]);
    expect(await groups.perform(write("a"))).toBe("a");
  });

  it("a change that ends its group is the last in it: no other's failure comes between it and the commit", async () => {
    const db = await withNotes(open);
    const groups = commitGroups(db, PATIENT);
    const ending = async (tx: Executor, group: Group) => {
      await group.end();
      return write("ending")(tx);
    };
    const changes = [write("a"), ending, write("b", "nobody")];
    const outcomes = await Promise.allSettled(changes.map((change) => groups.perform(change)));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(await notes(db)).toEqual(["a", "ending"]);
  });

  it("also where it ends it in a second attempt alone: those that came after it are the next group", async () => {
    const db = await withNotes(open);
    const groups = commitGroups(db, PATIENT);
    let attempts = 0;
    const ending = async (tx: Executor, group: Group) => {
      attempts += 1;
      if (attempts > 1) await group.end();
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

  it("a group takes nobody in any more when it has lasted ten milliseconds and as long as four commits: what comes then is committed by itself", async () => {
    const db = await withNotes(open);
    let now = 0;
    const groups = commitGroups(db, { ...PATIENT, monotonic: () => now });
    const slow = (change: (tx: Executor) => Promise<string>) => (tx: Executor) => {
      now += 11;
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
    const groups = commitGroups(await withLog(open), { ...PATIENT, inFlight: 2 });
    const [first, second] = [held(), held()];
    const both = [groups.perform(first.change), groups.perform(second.change)];
    await expect(groups.perform(async () => {})).rejects.toMatchObject(OVERLOADED);
    first.end();
    second.end();
    await Promise.all(both);
    expect(await groups.perform(async () => "done")).toBe("done");
  });

  it("are given up after the wait, and what was given up is never begun", async () => {
    const groups = commitGroups(await withLog(open), { ...PATIENT, waitMs: 20 });
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
  const db = await withLog(openSqliteFile);
  const groups = commitGroups(db, PATIENT);
  await groups.perform(async () => {});
  await db.destroy();
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => groups.perform(async () => "done")));
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
});
