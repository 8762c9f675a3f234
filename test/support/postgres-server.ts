import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll } from "vitest";

/** A real PostgreSQL that tests may make schemas in: `postgres://…`. Without it they run on PGlite and SQLite alone. */
export const TEST_POSTGRES_URL = process.env.ENTENTE_TEST_POSTGRES_URL || undefined;

/** A schema of the test's own. */
export interface TestSchema {
  readonly name: string;
  /** A database URL whose sessions know this schema alone. */
  readonly url: string;
  drop(): Promise<void>;
}

/** Runs statements on the server of a URL, as its role. */
export async function onServer<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

/** Workers run in parallel and append-only tables cannot be emptied: each test has a schema of its own. */
export async function newSchema(server: string): Promise<TestSchema> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  await onServer(server, (client) => client.query(`create schema ${name}`));
  const url = new URL(server);
  url.searchParams.set("options", `-c search_path=${name}`);
  return {
    name,
    url: url.href.replaceAll("+", "%20"),
    async drop() {
      await onServer(server, (client) => client.query(`drop schema ${name} cascade`));
    },
  };
}

/** For a broker of a test that looks into its SQLite file: it has one wherever the others run. */
export const ON_SQLITE = { ENTENTE_DATABASE_URL: "" };

/** The schemas of data folders: a broker that is started again on the same folder finds its database again. */
const schemas = new Map<string, TestSchema>();

/** The setting that puts the database of a data folder on the server of the tests; none without one. */
export async function databaseOf(dataFolder: string): Promise<Record<string, string>> {
  if (TEST_POSTGRES_URL === undefined) return {};
  const schema = schemas.get(dataFolder) ?? (await newSchema(TEST_POSTGRES_URL));
  schemas.set(dataFolder, schema);
  return { ENTENTE_DATABASE_URL: schema.url };
}

afterAll(async () => {
  for (const schema of schemas.values()) await schema.drop();
});
