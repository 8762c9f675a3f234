import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { DatabaseUrl } from "../database-url.ts";
import type { OpenIdentity } from "../features/broker.ts";
import { certificateFile, type IdentityStores } from "../identity/broker-authority.ts";
import { fileKeyStore } from "../identity/key-store.ts";
import { makeSealingKey, readSealingKeys, sealedKeyStore } from "../identity/sealed-key-store.ts";
import { StartRefusal } from "../start-refusal.ts";
import type { SqliteGuard } from "../store/guarded-sqlite.ts";
import { migrate } from "../store/migrate.ts";
import { openPostgres } from "../store/postgres.ts";
import { changeableHistory, requireRights } from "../store/postgres-rights.ts";
import { MIGRATION_MS } from "../store/postgres-schema.ts";
import { openSqlite } from "../store/sqlite.ts";
import { asStorageRefusal, isWithoutRights } from "../store/storage-errors.ts";
import type { Database, Engine } from "../store/tables.ts";
import { SECOND_MS } from "../time.ts";
import { sharedCertificates, sharedKeys } from "./shared-identity.ts";

/** The database of a configuration, and what depends on its kind. */
export interface Store {
  readonly db: Database;
  /** Beside the database of one server, in the database of several. */
  readonly identity: OpenIdentity;
  /** How often the log is looked at for what other servers commit, who must see it within a second. */
  readonly followEveryMs: number;
  /** Tables of history that the database's role could change, which a server needs not (S68). */
  readonly changeableHistory: readonly string[];
}

/**
 * Opens the database and brings it to the newest migration.
 * @throws {StartRefusal} why it cannot be used as it is, and what mends it
 */
export async function openStore(config: Config, dataFolder: string, guard: SqliteGuard): Promise<Store> {
  const { databaseUrl } = config;
  if (databaseUrl === undefined) {
    const db = openSqlite(join(dataFolder, "entente.db"), guard);
    await migrateOrClose(db, "sqlite");
    const stores: IdentityStores = {
      certificates: certificateFile(join(dataFolder, "broker-ca.pem")),
      keys: fileKeyStore(join(dataFolder, "keys")),
    };
    return { db, identity: async () => stores, followEveryMs: SECOND_MS, changeableHistory: [] };
  }
  const { db } = await openMigrated(databaseUrl, config.databaseConnections);
  return {
    db,
    followEveryMs: SECOND_MS / 4,
    changeableHistory: await changeableHistory(db),
    async identity(work) {
      const certificates = sharedCertificates(work);
      const rows = sharedKeys(work);
      const path = keyFileOf(config, dataFolder);
      const isFirst = config.keyFile === undefined && !existsSync(path) && (await rows.names()).length === 0;
      if (isFirst) makeSealingKey(path, work.random);
      const keys = sealedKeyStore(rows, readSealingKeys(path), work.random);
      // A key that is needed at the next roll-over only is missed now, while the key file that opens it is at hand.
      for (const name of await rows.names()) await keys.load(name);
      return { certificates, keys };
    },
  };
}

/** The file of the keys that the shared ones are sealed under. */
export const keyFileOf = ({ keyFile }: Config, dataFolder: string): string =>
  keyFile ?? join(dataFolder, "keys", "sealing.key");

/**
 * PostgreSQL with every migration, and the names of those that were run now.
 * @throws {StartRefusal} where it cannot be reached, lacks migrations that its role may not make, or its role lacks rights
 */
export async function openMigrated(
  url: DatabaseUrl,
  connections: number,
): Promise<{ readonly db: Database; readonly migrated: readonly string[] }> {
  const migrating = openPostgres(url, 1, MIGRATION_MS);
  const migrated = await migrateOrClose(migrating, "postgres");
  await migrating.destroy();
  return { db: openPostgres(url, connections), migrated };
}

async function migrateOrClose(db: Database, engine: Engine): Promise<readonly string[]> {
  try {
    const migrated = await migrate(db, engine);
    if (engine === "postgres") await requireRights(db);
    return migrated;
  } catch (error) {
    await db.destroy();
    if (engine === "sqlite" || asStorageRefusal(error) === error) throw error;
    const mend = isWithoutRights(error)
      ? 'give its role the rights of docs/postgresql.md ("Roles and grants")'
      : "see that it runs, and that host, port, database, role, password and sslmode are right";
    throw new StartRefusal(`the PostgreSQL of databaseUrl cannot be used: ${(error as Error).message}; ${mend}`, error);
  }
}
