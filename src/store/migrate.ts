import type { Kysely } from "kysely";
import { mainJob } from "../../migrations/0001-main-job.ts";
import { StartRefusal } from "../start-refusal.ts";
import type { Migration } from "./migration.ts";
import type { Database, Engine } from "./tables.ts";

/** In the order in which they run. A name that has been released is never changed or removed. */
export const migrations: readonly Migration[] = [mainJob];

/** The database was written by a newer program: this one does not know what its tables mean. */
export class NewerDatabaseError extends StartRefusal {}

/**
 * Brings the database to the newest step, each step in a transaction of its own: Kysely's Migrator would wrap
 * nothing on SQLite. A step that fails leaves the database as it was before that step.
 * @throws {NewerDatabaseError} when the database holds a step that `steps` lacks
 */
export async function migrate(db: Database, engine: Engine, steps: readonly Migration[] = migrations): Promise<void> {
  const any = db as unknown as Kysely<{ migration: { name: string; applied_at: number } }>;
  await any.schema
    .createTable("migration")
    .ifNotExists()
    .addColumn("name", "text", (c) => c.primaryKey())
    .addColumn("applied_at", "bigint", (c) => c.notNull())
    .execute();
  const applied = new Set((await any.selectFrom("migration").select("name").execute()).map((row) => row.name));
  const unknown = [...applied].filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new NewerDatabaseError(
      `the database holds migrations that this version does not know (${unknown.join(", ")}): start the version that wrote it, or a newer one`,
    );
  }
  for (const step of steps.filter(({ name }) => !applied.has(name))) {
    await any.transaction().execute(async (tx) => {
      // Takes the write lock first, so that of two processes starting at once only one runs the step.
      await tx.insertInto("migration").values({ name: step.name, applied_at: Date.now() }).execute();
      await step.up(tx as unknown as Kysely<unknown>, engine);
    });
  }
}
