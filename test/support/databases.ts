import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { Kysely, PGliteDialect } from "kysely";
import { afterAll, describe, onTestFinished } from "vitest";
import { parseDatabaseUrl } from "../../src/database-url.ts";
import { migrate, migrations } from "../../src/store/migrate.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Database, Engine, Tables } from "../../src/store/tables.ts";
import { newSchema, TEST_POSTGRES_URL, type TestSchema } from "./postgres-server.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A database without any table, gone when the test ends. */
export interface EmptyDatabase {
  readonly db: Database;
  readonly engine: Engine;
}

/** As the version of the program left it that knew no step from this one on. */
export const migrateBefore = ({ db, engine }: EmptyDatabase, step: string): Promise<readonly string[]> =>
  migrate(
    db,
    engine,
    migrations.filter(({ name }) => name < step),
  );

export type OpenDatabase = () => Promise<EmptyDatabase>;

/**
 * Nothing in a store is SQLite-only: the same tests on a real SQLite file and on PostgreSQL, a real server where
 * ENTENTE_TEST_POSTGRES_URL names one, else as PGlite has it.
 */
export function describeOnEachEngine(name: string, tests: (open: OpenDatabase, engine: Engine) => void): void {
  describe(`${name} (SQLite)`, () => tests(openSqliteFile, "sqlite"));
  const real = TEST_POSTGRES_URL;
  if (real === undefined) describe(`${name} (PGlite)`, () => tests(pgliteDatabases(), "postgres"));
  else describe(`${name} (PostgreSQL)`, () => tests(postgresOn(real), "postgres"));
}

/** A SQLite file of the test's own, opened as the broker opens it. */
export async function openSqliteFile(): Promise<EmptyDatabase> {
  const db = openSqlite(join(temporaryFolder(), "entente.db"));
  onTestFinished(() => db.destroy());
  return { db, engine: "sqlite" };
}

const postgresOn =
  (server: string): OpenDatabase =>
  async () => {
    const { url } = await schemaOfTest(server);
    return { db: openUrl(url), engine: "postgres" };
  };

/** A schema that is gone when the test ends. */
export async function schemaOfTest(server: string): Promise<TestSchema> {
  const schema = await newSchema(server);
  onTestFinished(() => schema.drop());
  return schema;
}

/** A PostgreSQL opened as the broker opens it, closed when the test ends. */
export function openUrl(url: string): Database {
  const db = openPostgres(parseDatabaseUrl(url), 4);
  onTestFinished(() => db.destroy());
  return db;
}

/** PGlite takes seconds to start: the tests of one file share it. */
let server: Promise<PGlite> | undefined;
let users = 0;
let opened = 0;

/** Each database is a schema of its own: append-only tables cannot be emptied. */
function pgliteDatabases(): OpenDatabase {
  users += 1;
  afterAll(async () => {
    users -= 1;
    if (users === 0) await (await server)?.close();
  });
  return async () => {
    server ??= PGlite.create();
    const pglite = await server;
    opened += 1;
    const schema = `test_${opened}`;
    await pglite.exec(`create schema ${schema}; set search_path to ${schema}`);
    onTestFinished(async () => void (await pglite.exec(`drop schema ${schema} cascade`)));
    return { db: new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) }), engine: "postgres" };
  };
}
