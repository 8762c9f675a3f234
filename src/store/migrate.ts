import { type Kysely, sql } from "kysely";
import { mainJob } from "../../migrations/0001-main-job.ts";
import { contract } from "../../migrations/0002-contract.ts";
import { distrusts } from "../../migrations/0003-distrusts.ts";
import { federationCodes } from "../../migrations/0004-federation-codes.ts";
import { proofs } from "../../migrations/0005-proofs.ts";
import { operators } from "../../migrations/0006-operators.ts";
import { meshLabels } from "../../migrations/0007-mesh-labels.ts";
import { sharedIdentity } from "../../migrations/0008-shared-identity.ts";
import { auditIndexes } from "../../migrations/0009-audit-indexes.ts";
import { standingFederations } from "../../migrations/0010-standing-federations.ts";
import { tokensOfGoneMeshes } from "../../migrations/0011-tokens-of-gone-meshes.ts";
import { ownedSince } from "../../migrations/0012-owned-since.ts";
import { indexesByMesh } from "../../migrations/0013-indexes-by-mesh.ts";
import { consentedSides } from "../../migrations/0014-consented-sides.ts";
import { pollerClients } from "../../migrations/0015-poller-clients.ts";
import { StartRefusal } from "../start-refusal.ts";
import type { Migration } from "./migration.ts";
import { lacksRights, requireOpenSchema } from "./postgres-rights.ts";
import { inOneOrder, migrationLock } from "./postgres-schema.ts";
import { isWithoutRights } from "./storage-errors.ts";
import type { Database, Engine } from "./tables.ts";
import { untilUnlocked } from "./transaction.ts";

/** In the order in which they run. A name that has been released is never changed or removed. */
export const migrations: readonly Migration[] = [
  mainJob,
  contract,
  distrusts,
  federationCodes,
  proofs,
  operators,
  meshLabels,
  sharedIdentity,
  auditIndexes,
  standingFederations,
  tokensOfGoneMeshes,
  ownedSince,
  indexesByMesh,
  consentedSides,
  pollerClients,
];

/** The database was written by a newer program: this one does not know what its tables mean. */
export class NewerDatabaseError extends StartRefusal {}

/** PostgreSQL: no schema that the role may use. */
const NO_SCHEMA = "3F000";

type Ledger = Kysely<{ migration: { name: string; applied_at: number } }>;

/**
 * Brings the database to the newest step, each step in a transaction of its own: Kysely's Migrator would wrap
 * nothing on SQLite. A step that fails leaves the database as it was before that step. Of several processes that start
 * at once each step is run by one (L12). Where no step is missing nothing is locked and no right to change tables needed.
 * @returns the names of the steps that were run
 * @throws {NewerDatabaseError} when the database holds a step that `steps` lacks
 * @throws {StartRefusal} when steps are missing and the role may not change tables, or it may not even see which are
 */
export async function migrate(
  db: Database,
  engine: Engine,
  steps: readonly Migration[] = migrations,
): Promise<readonly string[]> {
  const ledger = db as unknown as Ledger;
  const missing = missingOf(steps, await appliedSteps(ledger, engine));
  const done: string[] = [];
  try {
    for (const step of missing) {
      if (await untilUnlocked(() => runOnce(ledger, engine, step))) done.push(step.name);
    }
  } catch (error) {
    if (!isWithoutRights(error) && (error as { code?: unknown }).code !== NO_SCHEMA) throw error;
    const names = missing.map(({ name }) => name).join(", ");
    throw new StartRefusal(
      `the database lacks the migrations ${names}, and its role may not change tables: ` +
        'run "npm run migrate" with the URL of the role that owns them (docs/postgresql.md)',
      error,
    );
  }
  return done;
}

function missingOf(steps: readonly Migration[], applied: ReadonlySet<string>): readonly Migration[] {
  const unknown = [...applied].filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new NewerDatabaseError(
      `the database holds migrations that this version does not know (${unknown.join(", ")}): start the version that wrote it, or a newer one`,
    );
  }
  return steps.filter(({ name }) => !applied.has(name));
}

async function appliedSteps(ledger: Ledger, engine: Engine): Promise<ReadonlySet<string>> {
  const isThere =
    engine === "sqlite"
      ? sql`select 1 from sqlite_master where name = 'migration'`
      : sql`select 1 where to_regclass('migration') is not null`;
  if ((await isThere.execute(ledger)).rows.length === 0) {
    if (engine === "postgres") await requireOpenSchema(ledger);
    return new Set();
  }
  const applied = ledger.selectFrom("migration").select("name").execute();
  const rows = await applied.catch((error: unknown) => {
    throw isWithoutRights(error) ? lacksRights("select on migration", error) : error;
  });
  return new Set(rows.map(({ name }) => name));
}

/** @returns false where another process ran the step meanwhile */
function runOnce(ledger: Ledger, engine: Engine, step: Migration): Promise<boolean> {
  return ledger.transaction().execute(async (tx) => {
    if (engine === "postgres") await migrationLock(tx);
    await tx.schema
      .createTable("migration")
      .ifNotExists()
      .addColumn("name", "text", (c) => c.primaryKey())
      .addColumn("applied_at", "bigint", (c) => c.notNull())
      .execute();
    // SQLite takes its write lock here, before the look: it is the same as that of a process that runs the step.
    const taken = await tx
      .insertInto("migration")
      .values({ name: step.name, applied_at: Date.now() })
      .onConflict((conflict) => conflict.doNothing())
      .returning("name")
      .executeTakeFirst();
    if (!taken) return false;
    await step.up(tx as unknown as Kysely<unknown>, engine);
    if (engine === "postgres") await inOneOrder(tx);
    return true;
  });
}
