import { closeSync, existsSync, openSync, statSync } from "node:fs";
import BetterSqlite3 from "better-sqlite3";
import { Kysely, type SqliteDatabase, SqliteDialect, type SqliteStatement } from "kysely";
import { StartRefusal } from "../start-refusal.ts";
import type { Database, Tables } from "./tables.ts";

/** The file cannot be used as it is; the message says why and what to do. The process exits 78. */
class UnusableDatabaseError extends StartRefusal {}

/** What every open sets and reads back (L1). A reopened WAL database would otherwise run at synchronous=NORMAL. */
const PRAGMAS: readonly (readonly [name: string, value: string, readBack: unknown])[] = [
  ["journal_mode", "WAL", "wal"],
  ["synchronous", "FULL", 2],
  ["foreign_keys", "ON", 1],
  ["trusted_schema", "OFF", 0],
  ["cell_size_check", "ON", 1],
  ["busy_timeout", "5000", 5000],
];

/**
 * Opens the embedded database, making it 0600 when it is new (S62).
 * @throws {UnusableDatabaseError} others can read the file, a pragma does not hold (L1, L4), or it is corrupt (L5)
 */
export function openSqlite(path: string): Database {
  if (existsSync(path) && (statSync(path).mode & 0o077) !== 0) {
    throw new UnusableDatabaseError(`${path} can be read by others (S62): chmod 600 it, and ask who read it`);
  }
  const handle = unlessUnusable(path, () => {
    // SQLite gives what it keeps beside the file the file's own mode, so that it must have its mode first.
    closeSync(openSync(path, "a", 0o600));
    return new BetterSqlite3(path);
  });
  try {
    unlessUnusable(path, () => checkHandle(handle, path));
  } catch (error) {
    handle.close();
    throw error;
  }
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: withKeptStatements(handle) }) });
}

/** More than there are queries in the program; those with lists come in many lengths. */
const KEPT_STATEMENTS = 1_000;

const NOTHING: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
};

/** Kysely prepares a statement each time that it runs one, and to prepare costs as much as to run. */
function withKeptStatements(handle: BetterSqlite3.Database): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>();
  return {
    prepare(sql) {
      // A commit that failed for the disk's sake has rolled back by itself; why it failed is what is to be told (L3).
      if (sql === "rollback" && !handle.inTransaction) return NOTHING;
      const statement = kept.get(sql) ?? (handle.prepare(sql) as SqliteStatement);
      // The one that was used last is the last to go.
      kept.delete(sql);
      kept.set(sql, statement);
      if (kept.size > KEPT_STATEMENTS) kept.delete(kept.keys().next().value ?? "");
      return statement;
    },
    close: () => handle.close(),
  };
}

function checkHandle(handle: BetterSqlite3.Database, path: string): void {
  for (const [name, value, expected] of PRAGMAS) {
    handle.pragma(`${name} = ${value}`);
    const actual = handle.pragma(name, { simple: true });
    if (actual !== expected) {
      const message = `${name} is ${String(actual)}, not ${String(expected)} (L1): put the data folder on a local file system`;
      throw new UnusableDatabaseError(`${path}: ${message}`);
    }
  }
  const check = handle.pragma("quick_check(1)", { simple: true });
  if (check !== "ok") throw new UnusableDatabaseError(`${path} is corrupt (${String(check)}): restore a backup (L5)`);
}

/** What SQLite itself refuses: a folder that is not there, a file that is no database, one that cannot be written. */
function unlessUnusable<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof UnusableDatabaseError) throw error;
    throw new UnusableDatabaseError(
      `${path} cannot be used: ${(error as Error).message}; leave it as it is and restore a backup`,
      error,
    );
  }
}
