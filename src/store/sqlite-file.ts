import { closeSync, existsSync, fsyncSync, openSync, readSync, statSync, writeSync } from "node:fs";
import BetterSqlite3 from "better-sqlite3";
import { asStartRefusal, StartRefusal } from "../start-refusal.ts";

/** The file cannot be used as it is; the message says why and what to do. The process exits 78. */
class UnusableDatabaseError extends StartRefusal {}

/** What every open sets and reads back (L1). A reopened WAL database would otherwise run at synchronous=NORMAL. */
const PRAGMAS: readonly (readonly [name: string, value: string, readBack: unknown])[] = [
  ["journal_mode", "WAL", "wal"],
  ["synchronous", "FULL", 2],
  ["foreign_keys", "ON", 1],
  ["trusted_schema", "OFF", 0],
  ["cell_size_check", "ON", 1],
  // The rest of the five seconds is waited for off the thread: transaction.ts.
  ["busy_timeout", "5", 5],
];

/**
 * Opens the file for a start, making it 0600 when it is new (S62).
 * @throws {UnusableDatabaseError} others can read the file, a pragma does not hold (L1, L4), or it is corrupt (L5)
 */
export function openForStart(path: string): BetterSqlite3.Database {
  if (existsSync(path) && (statSync(path).mode & 0o077) !== 0) {
    throw new UnusableDatabaseError(`${path} can be read by others (S62): chmod 600 it, and ask who read it`);
  }
  try {
    // SQLite gives what it keeps beside the file the file's own mode, so that it must have its mode first.
    closeSync(openSync(path, "a", 0o600));
    // The process before this one may have ended when a flush had failed; what of the database was not flushed its log has.
    if (existsSync(`${path}-wal`)) rewrite(`${path}-wal`);
    return openSound(path);
  } catch (error) {
    const foreseen = asStartRefusal(error);
    if (foreseen) throw foreseen;
    // What SQLite itself refuses: a folder that is not there, a file that is no database, one that cannot be written.
    throw new UnusableDatabaseError(
      `${path} cannot be used: ${(error as Error).message}; leave it as it is and restore a backup (L5)`,
      error,
    );
  }
}

function openSound(path: string): BetterSqlite3.Database {
  const handle = new BetterSqlite3(path);
  try {
    requireSound(handle, path);
    return handle;
  } catch (error) {
    closeUntouched(handle, path);
    throw error;
  }
}

/** @throws {Error} of SQLite, SQLITE_CORRUPT among them, or a pragma that does not hold (L1) */
export function requireSound(handle: BetterSqlite3.Database, path: string): void {
  for (const [name, value, expected] of PRAGMAS) {
    handle.pragma(`${name} = ${value}`);
    const actual = handle.pragma(name, { simple: true });
    if (actual !== expected) {
      const message = `${name} is ${String(actual)}, not ${String(expected)} (L1): put the data folder on a local file system`;
      throw new UnusableDatabaseError(`${path}: ${message}`);
    }
  }
  const check = handle.pragma("quick_check(1)", { simple: true });
  if (check !== "ok") throw new BetterSqlite3.SqliteError(`it is corrupt (${String(check)})`, "SQLITE_CORRUPT");
}

/**
 * Closes a connection without what the last one to close does: copying its log of commits into the database (L5). One that
 * cannot write, and is there until then, does not.
 */
export function closeUntouched(handle: BetterSqlite3.Database, path: string): void {
  let reader: BetterSqlite3.Database | undefined;
  try {
    reader = new BetterSqlite3(path, { readonly: true, fileMustExist: true });
    reader.pragma("schema_version");
  } catch {
    // What is wrong with it is told by the one that is opened next.
  }
  handle.close();
  reader?.close();
}

/**
 * Writes a database and its log of commits over themselves and flushes them. After a flush that failed Linux takes for
 * written what the disk may never have got, and no later flush would write it (L3). The bytes are the same, so that it harms
 * nothing to be cut off. No connection may be open: closing our files would drop its locks.
 * @throws {Error} of the file system, where the disk still fails
 */
export function flushAgain(path: string): void {
  for (const one of [path, `${path}-wal`]) if (existsSync(one)) rewrite(one);
}

const CHUNK_BYTES = 1 << 20;

function rewrite(path: string): void {
  const file = openSync(path, "r+");
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let at = 0; ; ) {
      const read = readSync(file, chunk, 0, CHUNK_BYTES, at);
      if (read === 0) break;
      // What was not taken is read and written with the next.
      at += writeSync(file, chunk, 0, read, at);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
