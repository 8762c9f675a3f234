import { readFileSync } from "node:fs";
import { loadConfig } from "../config.ts";
import { StartRefusal } from "../start-refusal.ts";
import { openMigrated } from "./open-store.ts";

/**
 * Brings a PostgreSQL to the newest migration, for a role that owns the tables where that of the servers does not.
 * @throws {StartRefusal} why it cannot, and what mends it
 */
export async function runMigrations(): Promise<void> {
  const { databaseUrl } = loadConfig(process.env, (path) => readFileSync(path, "utf8"));
  if (databaseUrl === undefined) {
    throw new StartRefusal("databaseUrl is not set: a SQLite file is migrated by its own server, at its start");
  }
  const { db, migrated } = await openMigrated(databaseUrl, 1);
  await db.destroy();
  console.log(migrated.length === 0 ? "nothing was to be done" : `done: ${migrated.join(", ")}`);
}
