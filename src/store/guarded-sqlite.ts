import BetterSqlite3 from "better-sqlite3";
import type { SqliteDatabase, SqliteStatement } from "kysely";
import { closeUntouched, flushAgain, requireSound } from "./sqlite-file.ts";

/** What the guard of an open database must know, and whom it tells. */
export interface SqliteGuard {
  /** The newest position of the log that somebody was told of. */
  readonly acknowledged: () => number;
  /** After an I/O error: the file was opened anew and holds all that was acknowledged. */
  readonly onReopened: (failure: unknown) => void;
  /** The file is corrupt, or lost what was acknowledged: nothing is written any more. */
  readonly onWritesOff: (failure: unknown) => void;
}

/** The disk failed: what the connection believes to have written, a flush that failed above all, may not be there. */
const FAILED = /^SQLITE_IOERR/;
const BROKEN = /^SQLITE_(?:CORRUPT|NOTADB)/;

/** How often a disk that fails is tried again, for writes. */
const TRY_AGAIN_MS = 1_000;

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code);

const NOTHING: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
};

/**
 * An open database that trusts no connection after an I/O error: before anything else is done the file is opened anew and
 * checked, and holds what was acknowledged, or is written no more; and nothing is written before the disk has taken what is
 * there (L3). Nor is it once a statement found it corrupt (L5).
 */
export function guardedSqlite(opened: BetterSqlite3.Database, path: string, guard: SqliteGuard): SqliteDatabase {
  let handle = opened;
  let failure: unknown;
  let mendAfter = 0;
  let isOff = false;

  const note = (error: unknown): void => {
    const isBroken = BROKEN.test(codeOf(error));
    if (!isBroken && (!FAILED.test(codeOf(error)) || failure !== undefined)) return;
    failure = error;
    mendAfter = 0;
  };
  const watch = <T>(act: () => T): T => {
    try {
      return act();
    } catch (error) {
      note(error);
      throw error;
    }
  };
  const watched = (statement: SqliteStatement): SqliteStatement => ({
    reader: statement.reader,
    all: (parameters) => watch(() => statement.all(parameters)),
    run: (parameters) => watch(() => statement.run(parameters)),
    iterate: (parameters) => watch(() => statement.iterate(parameters)),
  });
  const prepare = (sql: string) => watched(watch(() => handle.prepare(sql) as SqliteStatement));
  let kept = keptStatements(prepare);

  function turnWritesOff(found: unknown): void {
    isOff = true;
    handle.pragma("query_only = ON");
    guard.onWritesOff(found);
  }

  function mend(found: unknown): void {
    if (BROKEN.test(codeOf(found))) turnWritesOff(found);
    else {
      try {
        reopen(found);
      } catch (error) {
        if (!BROKEN.test(codeOf(error))) throw notNow(error);
        turnWritesOff(error);
      }
    }
  }

  /** Reads go on by the new connection at once; it writes when it was found sound and the disk has taken all that is there. */
  function reopen(found: unknown): void {
    mendAfter = performance.now() + TRY_AGAIN_MS;
    closeUntouched(handle, path);
    const isFlushed = succeeds(() => flushAgain(path));
    handle = new BetterSqlite3(path, { fileMustExist: true });
    handle.pragma("query_only = ON");
    kept = keptStatements(prepare);
    requireSound(handle, path);
    requireAcknowledged(handle, guard.acknowledged());
    if (!isFlushed) return;
    handle.pragma("query_only = OFF");
    failure = undefined;
    guard.onReopened(found);
  }

  return {
    prepare(sql) {
      // A commit that failed for the disk's sake has rolled back by itself; why it failed is what is to be told (L3).
      if (sql === "rollback" && !handle.inTransaction) return NOTHING;
      const isDue = failure !== undefined && !isOff && (!handle.open || performance.now() >= mendAfter);
      if (isDue && !handle.inTransaction) mend(failure);
      return kept(sql);
    },
    close() {
      if (failure === undefined && !isOff) handle.close();
      else closeUntouched(handle, path);
    },
  };
}

function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** @throws {SqliteError} SQLITE_CORRUPT */
function requireAcknowledged(handle: BetterSqlite3.Database, position: number): void {
  const hasLog = handle.prepare("select 1 from sqlite_master where name = 'log_head'").get() !== undefined;
  const size = hasLog ? Number(handle.prepare("select size from log_head").pluck().get()) : 0;
  if (size >= position) return;
  throw new BetterSqlite3.SqliteError(
    `the database holds ${size} events of ${position} that were acknowledged`,
    "SQLITE_CORRUPT",
  );
}

/** It cannot be opened yet; the next who asks tries again. */
const notNow = (error: unknown) =>
  new BetterSqlite3.SqliteError(`it cannot be opened again yet: ${(error as Error).message}`, "SQLITE_CANTOPEN");

/** More than there are queries in the program; those with lists come in many lengths. */
const KEPT_STATEMENTS = 1_000;

/** Kysely prepares a statement each time that it runs one, and to prepare costs as much as to run. The oldest go first. */
function keptStatements(prepare: (sql: string) => SqliteStatement): (sql: string) => SqliteStatement {
  const kept = new Map<string, SqliteStatement>();
  return (sql) => {
    const found = kept.get(sql);
    if (found) return found;
    const statement = prepare(sql);
    kept.set(sql, statement);
    if (kept.size > KEPT_STATEMENTS) kept.delete(kept.keys().next().value ?? "");
    return statement;
  };
}
