import { Kysely, SqliteDialect } from "kysely";
import { guardedSqlite, type SqliteGuard } from "./guarded-sqlite.ts";
import { openForStart } from "./sqlite-file.ts";
import type { Database, Tables } from "./tables.ts";

/** Where nobody was told of anything yet, and nobody is to be told. */
const UNHEARD: SqliteGuard = { acknowledged: () => 0, onReopened() {}, onWritesOff() {} };

/**
 * Opens the embedded database.
 * @throws {StartRefusal} the file cannot be used as it is (L1, L4, L5, S62)
 */
export function openSqlite(path: string, guard = UNHEARD): Database {
  const database = guardedSqlite(openForStart(path), path, guard);
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
}
