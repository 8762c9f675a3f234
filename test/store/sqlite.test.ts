import {
  chmodSync,
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { sql } from "kysely";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { StartRefusal } from "../../src/start-refusal.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Database } from "../../src/store/tables.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const newFile = () => join(temporaryFolder(), "entente.db");

async function pragma(db: Database, name: string): Promise<unknown> {
  const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(db);
  return Object.values(rows[0] ?? {})[0];
}

/** A migrated database that was opened and closed. */
async function closedDatabase(): Promise<string> {
  const path = newFile();
  const db = openSqlite(path);
  await migrate(db, "sqlite");
  await db.destroy();
  return path;
}

const refusal = (path: string) => {
  try {
    openSqlite(path);
  } catch (error) {
    expect(error).toBeInstanceOf(StartRefusal);
    return (error as Error).message;
  }
  throw new Error("it was opened");
};

it("what a commit failed of is told, also where SQLite has rolled back by itself already (L3)", async () => {
  const db = openSqlite(await closedDatabase());
  onTestFinished(() => db.destroy());
  const failing = inTransaction(db, (tx) => sql`rollback`.execute(tx));
  await expect(failing).rejects.toThrow("cannot commit");
});

it("L5: what was done in a transaction that met a corrupt page is not committed, though the error was caught", async () => {
  const path = await closedDatabase();
  const db = openSqlite(path);
  onTestFinished(() => db.destroy());
  const other = new BetterSqlite3(path);
  onTestFinished(() => void other.close());
  const { page } = other.prepare("select rootpage as page from sqlite_master where name = 'poller'").get() as {
    page: number;
  };
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(4096, 0x5a), 0, 4096, (page - 1) * 4096);
  closeSync(file);
  other.exec("update log_head set size = 3");
  const size = () => db.selectFrom("log_head").select("size").executeTakeFirstOrThrow();
  const caught = inTransaction(db, async (tx) => {
    await tx
      .selectFrom("poller")
      .selectAll()
      .execute()
      .catch(() => {});
    await tx.updateTable("log_head").set({ size: 4 }).execute();
  });
  await expect(caught).rejects.toMatchObject({ code: "SQLITE_CORRUPT" });
  expect(await size()).toEqual({ size: 3 });
  const next = inTransaction(db, (tx) => tx.updateTable("log_head").set({ size: 5 }).execute());
  await expect(next).rejects.toMatchObject({ code: "SQLITE_READONLY" });
  expect(await size()).toEqual({ size: 3 });
});

it("L3: after an I/O error nothing is written before the file is found sound and to hold what was acknowledged", async () => {
  const path = await closedDatabase();
  const db = openSqlite(path, { acknowledged: () => 9, onReopened() {}, onWritesOff() {} });
  onTestFinished(() => db.destroy());
  await db.updateTable("log_head").set({ size: 5 }).execute();
  const write = () =>
    inTransaction(db, (tx) => tx.updateTable("log_head").set({ size: 6 }).execute()).then(
      () => "written",
      ({ code }: { code: string }) => code,
    );
  const prepare = vi.spyOn(BetterSqlite3.prototype, "prepare").mockImplementationOnce(diskFails);
  onTestFinished(() => prepare.mockRestore());
  expect(await write()).toBe("SQLITE_IOERR_READ");
  const { pragma } = BetterSqlite3.prototype;
  const check = vi.spyOn(BetterSqlite3.prototype, "pragma").mockImplementation(function (this: never, source, options) {
    return source.startsWith("quick_check") ? diskFails() : pragma.call(this, source, options);
  });
  onTestFinished(() => check.mockRestore());
  expect(await write()).toBe("SQLITE_CANTOPEN");
  check.mockRestore();
  expect(await write(), "before it is looked at again").toBe("SQLITE_READONLY");
  expect(await db.selectFrom("log_head").select("size").executeTakeFirst()).toEqual({ size: 5 });
});

function diskFails(): never {
  throw new BetterSqlite3.SqliteError("disk I/O error", "SQLITE_IOERR_READ");
}

describe("every open of the embedded database", () => {
  it.each([
    ["journal_mode", "wal"],
    ["synchronous", 2],
    ["foreign_keys", 1],
    ["trusted_schema", 0],
    ["cell_size_check", 1],
    ["busy_timeout", 5],
  ])("L1: a reopened database runs at %s = %s", async (name, value) => {
    const db = openSqlite(await closedDatabase());
    onTestFinished(() => db.destroy());
    expect(await pragma(db, name)).toBe(value);
  });

  it("L1: which a reopened WAL database would not by itself", async () => {
    const plain = new BetterSqlite3(await closedDatabase());
    onTestFinished(() => void plain.close());
    expect(plain.pragma("journal_mode", { simple: true })).toBe("wal");
    expect(plain.pragma("synchronous", { simple: true })).not.toBe(2);
  });

  it("S62: the file and what SQLite keeps beside it are its owner's alone, whatever the umask", async () => {
    const path = newFile();
    const before = process.umask(0o022);
    onTestFinished(() => void process.umask(before));
    const db = openSqlite(path);
    onTestFinished(() => db.destroy());
    await migrate(db, "sqlite");
    for (const file of [path, `${path}-wal`, `${path}-shm`]) expect(statSync(file).mode & 0o777, file).toBe(0o600);
  });

  it("S62: a file that others can read refuses to start and says how to mend it", async () => {
    const path = await closedDatabase();
    chmodSync(path, 0o640);
    expect(refusal(path)).toContain("chmod 600");
  });

  it("L5: what is no database refuses to start, and is left as it was", () => {
    const path = newFile();
    writeFileSync(path, "this is a letter, not a database\n".repeat(100), { mode: 0o600 });
    const before = readFileSync(path);
    expect(refusal(path)).toContain("restore a backup");
    expect(readFileSync(path)).toEqual(before);
  });

  it("L5: a database with a page overwritten refuses to start", async () => {
    const path = await closedDatabase();
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 3 * 4096, 5 * 4096);
    writeFileSync(path, bytes);
    expect(refusal(path)).toContain("restore a backup");
  });

  it("L5: and is left as it is, with its log of commits, for whoever looks into what happened", async () => {
    const path = join(temporaryFolder(), "entente.db");
    const writer = new BetterSqlite3(path);
    writer.pragma("journal_mode = wal");
    writer.exec("create table t (x); insert into t values (zeroblob(60000))");
    writer.pragma("wal_checkpoint(truncate)");
    writer.exec("insert into t values (zeroblob(9000))");
    const copy = join(temporaryFolder(), "entente.db");
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 3 * 4096, 5 * 4096);
    writeFileSync(copy, bytes, { mode: 0o600 });
    writeFileSync(`${copy}-wal`, readFileSync(`${path}-wal`), { mode: 0o600 });
    writer.close();
    const before = [readFileSync(copy), readFileSync(`${copy}-wal`)];
    expect(before[1]?.length).toBeGreaterThan(4096);
    expect(refusal(copy)).toContain("leave it as it is");
    expect([readFileSync(copy), readFileSync(`${copy}-wal`)]).toEqual(before);
  });

  it("a database that was cut off refuses to start", async () => {
    const path = await closedDatabase();
    const cut = join(temporaryFolder(), "cut.db");
    copyFileSync(path, cut);
    writeFileSync(cut, readFileSync(path).subarray(0, 5 * 4096), { mode: 0o600 });
    expect(refusal(cut)).toContain("restore a backup");
  });

  it("a folder in its place, and a folder that is not there, refuse to start", () => {
    const folder = join(temporaryFolder(), "entente.db");
    mkdirSync(folder, { mode: 0o700 });
    expect(refusal(folder)).toContain("remove the folder that is where a file must be");
    expect(refusal(join(temporaryFolder(), "absent", "entente.db"))).toContain("cannot be used");
  });
});
