import { type Kysely, sql } from "kysely";
import { expect, it } from "vitest";
import { StartRefusal } from "../../src/start-refusal.ts";
import { logSize } from "../../src/store/event-log.ts";
import { migrate, migrations, NewerDatabaseError } from "../../src/store/migrate.ts";
import type { Migration } from "../../src/store/migration.ts";
import type { Database } from "../../src/store/tables.ts";
import { describeOnEachEngine, type EmptyDatabase } from "../support/databases.ts";

const makes = (table: string): Migration => ({
  name: `9001-${table}`,
  up: async (db) => void (await db.schema.createTable(table).addColumn("id", "integer").execute()),
});

/** Does half of its work, then fails. */
const broken: Migration = {
  name: "9002-broken",
  async up(db) {
    await db.schema.createTable("half").addColumn("id", "integer").execute();
    await db.schema.alterTable("mesh").addColumn("half", "integer").execute();
    await sql`update log_head set size = 99`.execute(db);
    throw new Error("the power failed");
  },
};

const applied = async (db: Database) => {
  const any = db as unknown as Kysely<{ migration: { name: string } }>;
  return (await any.selectFrom("migration").select("name").orderBy("name").execute()).map(({ name }) => name);
};

/** Names of tables and columns: what a step changed, if it changed anything. */
async function shapeOf({ db, engine }: EmptyDatabase): Promise<unknown> {
  const query =
    engine === "sqlite"
      ? sql`select name, sql from sqlite_master order by name`
      : sql`select table_name, column_name, data_type from information_schema.columns
            where table_schema = current_schema() order by table_name, column_name`;
  return (await query.execute(db)).rows;
}

describeOnEachEngine("migrations", (open) => {
  it("bring an empty database to the newest step, and a second time nothing", async () => {
    const database = await open();
    await migrate(database.db, database.engine);
    const shape = await shapeOf(database);
    expect(await applied(database.db)).toEqual(migrations.map(({ name }) => name));
    expect(await logSize(database.db)).toBe(0);
    await migrate(database.db, database.engine);
    expect(await shapeOf(database)).toEqual(shape);
  });

  it("L12: each is in a transaction of its own: one that fails leaves the database as it was, the ones before it stay", async () => {
    const database = await open();
    const { db, engine } = database;
    await migrate(db, engine, [...migrations, makes("earlier")]);
    const shape = await shapeOf(database);
    const steps = [...migrations, makes("earlier"), broken, makes("later")];
    await expect(migrate(db, engine, steps)).rejects.toThrow("the power failed");
    expect(await shapeOf(database)).toEqual(shape);
    expect(await logSize(db)).toBe(0);
    expect(await applied(db)).toEqual([...migrations.map(({ name }) => name), "9001-earlier"]);
  });

  it("L12: stopped between two steps, the next start goes on where it was", async () => {
    const database = await open();
    const { db, engine } = database;
    await expect(migrate(db, engine, [...migrations, makes("one"), broken])).rejects.toThrow();
    await migrate(db, engine, [...migrations, makes("one"), makes("two")]);
    expect(await applied(db)).toEqual([...migrations.map(({ name }) => name), "9001-one", "9001-two"]);
  });

  it("L12: a database of a newer program refuses to start, names the step, and is not touched", async () => {
    const database = await open();
    const { db, engine } = database;
    await migrate(db, engine, [...migrations, makes("tomorrow")]);
    const shape = await shapeOf(database);
    const start = migrate(db, engine);
    await expect(start).rejects.toThrow(NewerDatabaseError);
    await expect(start).rejects.toThrow("9001-tomorrow");
    await expect(start).rejects.toBeInstanceOf(StartRefusal);
    expect(await shapeOf(database)).toEqual(shape);
  });

  it("texts are in the order of bytes on both engines, whatever the database's own collation", async () => {
    const { db, engine } = await open();
    await migrate(db, engine);
    if (engine === "postgres") {
      const { rows } = await sql`select table_name, column_name from information_schema.columns
        where table_schema = current_schema() and data_type = 'text' and collation_name is distinct from 'C'`.execute(
        db,
      );
      expect(rows).toEqual([]);
    }
    const names = ["b", "B", "a-b", "ab", "a.b", "á"];
    await db
      .insertInto("sealed_key")
      .values(names.map((name) => ({ name, generation: 1, sealed: "", created_at: 0 })))
      .execute();
    const ordered = await db.selectFrom("sealed_key").select("name").orderBy("name").execute();
    expect(ordered.map(({ name }) => name)).toEqual(["B", "a-b", "a.b", "ab", "b", "á"]);
  });
});
