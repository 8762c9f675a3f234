import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import type { DatabaseUrl } from "../database-url.ts";
import type { OpenIdentity } from "../features/broker.ts";
import { type CertificateStore, certificateFile, type IdentityStores } from "../identity/broker-authority.ts";
import { fileKeyStore } from "../identity/key-store.ts";
import { makeSealingKey, readSealingKey, type SealedKeyRows, sealedKeyStore } from "../identity/sealed-key-store.ts";
import { StartRefusal } from "../start-refusal.ts";
import { migrate } from "../store/migrate.ts";
import { openPostgres } from "../store/postgres.ts";
import {
  deleteSealedKeys,
  hasSealedKey,
  insertSealedKey,
  insertSharedCertificate,
  newestSealedKey,
  sharedCertificate,
} from "../store/shared-identity.ts";
import { openSqlite } from "../store/sqlite.ts";
import { asStorageRefusal } from "../store/storage-errors.ts";
import type { Database, Engine } from "../store/tables.ts";
import type { Work } from "../store/unit-of-work.ts";
import { SECOND_MS } from "../time.ts";

/** The database of a configuration, and what depends on its kind. */
export interface Store {
  readonly db: Database;
  /** Beside the database of one server, in the database of several. */
  readonly identity: OpenIdentity;
  /** How often the log is looked at for what other servers commit, who must see it within a second. */
  readonly followEveryMs: number;
}

/**
 * Opens the database and brings it to the newest migration.
 * @throws {StartRefusal} why it cannot be used as it is, and what mends it
 */
export async function openStore(config: Config, dataFolder: string): Promise<Store> {
  const { databaseUrl } = config;
  if (databaseUrl === undefined) {
    const db = openSqlite(join(dataFolder, "entente.db"));
    await migrateOrClose(db, "sqlite");
    const stores: IdentityStores = {
      certificates: certificateFile(join(dataFolder, "broker-ca.pem")),
      keys: fileKeyStore(join(dataFolder, "keys")),
    };
    return { db, identity: async () => stores, followEveryMs: SECOND_MS };
  }
  const own = join(dataFolder, "keys", "sealing.key");
  const { db } = await openMigrated(databaseUrl, config.databaseConnections);
  return {
    db,
    followEveryMs: SECOND_MS / 4,
    async identity(work) {
      const { certificates, rows } = sharedIn(work);
      const isFirst = config.keyFile === undefined && !existsSync(own) && !(await hasSealedKey(work.tx));
      if (isFirst) makeSealingKey(own, work.random);
      return { certificates, keys: sealedKeyStore(rows, readSealingKey(config.keyFile ?? own), work.random) };
    },
  };
}

/**
 * PostgreSQL with every migration, and the names of those that were run now.
 * @throws {StartRefusal} where it cannot be reached, or lacks migrations that its role may not make
 */
export async function openMigrated(
  url: DatabaseUrl,
  connections: number,
): Promise<{ readonly db: Database; readonly migrated: readonly string[] }> {
  const db = openPostgres(url, connections);
  return { db, migrated: await migrateOrClose(db, "postgres") };
}

async function migrateOrClose(db: Database, engine: Engine): Promise<readonly string[]> {
  try {
    return await migrate(db, engine);
  } catch (error) {
    await db.destroy();
    if (engine === "sqlite" || asStorageRefusal(error) === error) throw error;
    throw new StartRefusal(
      `the PostgreSQL of databaseUrl cannot be used: ${(error as Error).message}; see that it runs, and that host, port, ` +
        "database, role, password and sslmode are right",
      error,
    );
  }
}

function sharedIn({ tx, now }: Pick<Work, "tx" | "now">): { certificates: CertificateStore; rows: SealedKeyRows } {
  return {
    certificates: {
      place: "the table broker_certificate",
      load: () => sharedCertificate(tx),
      save: (pem) => insertSharedCertificate(tx, pem, now),
    },
    rows: {
      newest: (name) => newestSealedKey(tx, name),
      insert: (key) => insertSealedKey(tx, key, now),
      remove: (name) => deleteSealedKeys(tx, name),
    },
  };
}
