import { sql } from "kysely";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseDatabaseUrl } from "../../src/database-url.ts";
import { migrate, migrations } from "../../src/store/migrate.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { asStorageRefusal } from "../../src/store/storage-errors.ts";
import type { Database } from "../../src/store/tables.ts";
import { inTransaction } from "../../src/store/transaction.ts";
import { cuttingProxy } from "../support/cutting-proxy.ts";
import { openUrl, schemaOfTest } from "../support/databases.ts";
import { onServer, TEST_POSTGRES_URL } from "../support/postgres-server.ts";

const server = TEST_POSTGRES_URL ?? "";

async function counters(): Promise<{ db: Database; url: string }> {
  const { url } = await schemaOfTest(server);
  await onServer(url, (client) =>
    client.query(
      "create table counter (id text primary key, size bigint not null); insert into counter values ('a', 0), ('b', 0)",
    ),
  );
  return { db: openUrl(url), url };
}

const raise = (db: Pick<Database, "getExecutor">, id: string) =>
  sql`update counter set size = size + 1 where id = ${id}`.execute(db);

async function sizes(db: Database): Promise<Record<string, unknown>> {
  const { rows } = await sql<{ id: string; size: unknown }>`select id, size from counter`.execute(db);
  return Object.fromEntries(rows.map(({ id, size }) => [id, size]));
}

/** What a caller would be told of a failure. */
const told = async (act: Promise<unknown>) =>
  asStorageRefusal(
    await act.then(
      () => expect.fail("it did not fail"),
      (error: unknown) => error,
    ),
  );
const UNAVAILABLE = { code: "storage-unavailable", status: 503 };

describe.skipIf(TEST_POSTGRES_URL === undefined)("a real PostgreSQL", () => {
  it("L13: each session ends what nobody waits for any more", async () => {
    const { db } = await counters();
    const { rows } = await sql`select current_setting('statement_timeout') as statement,
      current_setting('lock_timeout') as lock, current_setting('idle_in_transaction_session_timeout') as idle`.execute(
      db,
    );
    expect(rows).toEqual([{ statement: "10s", lock: "3s", idle: "15s" }]);
  });

  it("int8 is a number where JavaScript holds it exactly, and an error where it does not (S3)", async () => {
    const { db } = await counters();
    expect(await sizes(db)).toEqual({ a: 0, b: 0 });
    const exact = await sql<{ n: number }>`select 9007199254740991 as n`.execute(db);
    expect(exact.rows[0]?.n).toBe(Number.MAX_SAFE_INTEGER);
    await expect(sql`select 9007199254740993 as n`.execute(db)).rejects.toThrow("not an exact number");
  });

  it("L13: a statement is waited for so long and no longer, and nobody gets its connection after it", async () => {
    const { url } = await counters();
    const waits = (ms: number) => {
      const db = openPostgres(parseDatabaseUrl(url), 1, ms);
      onTestFinished(() => db.destroy());
      return db;
    };
    const sleeps = (seconds: number) => (db: Pick<Database, "getExecutor">) =>
      sql`select pg_sleep(${seconds})`.execute(db);
    const slow = sleeps(60);
    const impatient = waits(200);
    expect(await told(slow(impatient))).toMatchObject(UNAVAILABLE);
    expect(await sizes(impatient)).toEqual({ a: 0, b: 0 });
    // Within this test's own time, which is less than the statement's.
    expect(await told(inTransaction(impatient, slow))).toMatchObject(UNAVAILABLE);
    expect(await sizes(impatient)).toEqual({ a: 0, b: 0 });
    await sleeps(0.5)(waits(10_000));
  });

  it("L13: a deadlock is tried again as a whole, and both are done once", async () => {
    const { db } = await counters();
    let met = 0;
    const { promise: bothHold, resolve } = Promise.withResolvers<void>();
    const crossing = (first: string, second: string) =>
      inTransaction(db, async (tx) => {
        await raise(tx, first);
        met += 1;
        if (met === 2) resolve();
        await bothHold;
        await raise(tx, second);
      });
    await Promise.all([crossing("a", "b"), crossing("b", "a")]);
    expect(met).toBeGreaterThan(2);
    expect(await sizes(db)).toEqual({ a: 2, b: 2 });
  });

  it("L13: what goes on failing is tried four times, and then told as unavailable", async () => {
    const { db } = await counters();
    let tries = 0;
    const failing = inTransaction(db, async (tx) => {
      tries += 1;
      await raise(tx, "a");
      await sql`do $$ begin raise exception 'again' using errcode = '40001'; end $$`.execute(tx);
    });
    expect(await told(failing)).toMatchObject(UNAVAILABLE);
    expect(tries).toBe(4);
    expect(await sizes(db)).toEqual({ a: 0, b: 0 });
  });

  it.each([
    ["a disk that is full", "53100"],
    ["an administrator's command", "57P01"],
    ["an input or output error", "58030"],
  ])("%s leaves nothing, is told as unavailable, and the next transaction is done", async (_, code) => {
    const { db } = await counters();
    const failing = inTransaction(db, async (tx) => {
      await raise(tx, "a");
      await sql.raw(`do $$ begin raise exception 'no' using errcode = '${code}'; end $$`).execute(tx);
    });
    expect(await told(failing)).toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining("nothing was changed"),
    });
    await inTransaction(db, (tx) => raise(tx, "b"));
    expect(await sizes(db)).toEqual({ a: 0, b: 1 });
  });

  it("a session that an administrator terminates between two statements ends no process, and leaves nothing", async () => {
    const { db, url } = await counters();
    const failing = inTransaction(db, async (tx) => {
      await raise(tx, "a");
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      await onServer(url, (client) => client.query("select pg_terminate_backend($1)", [rows[0]?.pid]));
      await new Promise((resolve) => setTimeout(resolve, 50));
      await raise(tx, "b");
    });
    expect(await told(failing)).toMatchObject(UNAVAILABLE);
    expect(await sizes(db)).toEqual({ a: 0, b: 0 });
  });

  it.each([
    ["read-only", "-c default_transaction_read_only=on", (db: Database) => raise(db, "a")],
    ["too slow", "", (db: Database) => sql`set statement_timeout = 20; select pg_sleep(5)`.execute(db)],
  ])("a database that is %s is told as unavailable", async (_, options, act) => {
    const { url } = await counters();
    const other = new URL(url);
    other.searchParams.set("options", `${other.searchParams.get("options")} ${options}`);
    expect(await told(act(openUrl(other.href.replaceAll("+", "%20"))))).toMatchObject(UNAVAILABLE);
  });

  it("L18: a lock that another session holds is waited for, and then the change is told as one too many", async () => {
    const { db, url } = await counters();
    await onServer(url, async (client) => {
      await client.query("begin; lock table counter");
      expect(await told(inTransaction(db, (tx) => raise(tx, "a")))).toMatchObject({ code: "overloaded", status: 503 });
    });
  });

  it.each([
    ["nobody listens", "postgres://postgres@127.0.0.1:1/postgres"],
    ["there is no socket", "postgres:///postgres?host=/nonexistent"],
    ["the name is unknown", "postgres://postgres@nowhere.invalid/postgres?sslmode=disable"],
    ["the database is absent", Object.assign(new URL(server || "postgres://x"), { pathname: "/absent" }).href],
  ])("where %s, it is told as unavailable", async (_, url) => {
    expect(await told(sql`select 1`.execute(openUrl(url)))).toMatchObject(UNAVAILABLE);
  });

  it("S6: a text with U+0000 is the caller's mistake, not an internal error", async () => {
    const { db } = await counters();
    const found = sql`select * from counter where id = ${"a\u0000"}`.execute(db);
    expect(await told(found)).toMatchObject({ code: "invalid-text", status: 400 });
  });
});

describe.skipIf(TEST_POSTGRES_URL === undefined)("a connection that is lost during COMMIT", () => {
  it.each([
    ["before", 0],
    ["after", 1],
  ] as const)("%s the server has it: the outcome is told as unknown, whether it is made or not", async (when, made) => {
    const { db, url } = await counters();
    const { host, port } = parseDatabaseUrl(url);
    const proxy = await cuttingProxy({ host, port });
    const behind = new URL(url);
    behind.host = `127.0.0.1:${proxy.port}`;
    const cut = openUrl(behind.href);
    await inTransaction(cut, (tx) => raise(tx, "b"));
    proxy.cutAt("commit", when);
    const refusal = await told(inTransaction(cut, (tx) => raise(tx, "a")));
    expect(refusal).toMatchObject({ ...UNAVAILABLE, extra: { outcome: "unknown" } });
    expect((refusal as Error).message).not.toContain("nothing was changed");
    await expect.poll(() => sizes(db)).toEqual({ a: made, b: 1 });
    await inTransaction(cut, (tx) => raise(tx, "b"));
    expect(await sizes(db)).toEqual({ a: made, b: 2 });
  });
});

describe.skipIf(TEST_POSTGRES_URL === undefined)("migrations of a real PostgreSQL", () => {
  it("L12: of several servers that start at once each step is run by one", async () => {
    const { url } = await schemaOfTest(server);
    const done = await Promise.all([1, 2, 3, 4].map(() => migrate(openUrl(url), "postgres")));
    expect(done.flat().toSorted()).toEqual(migrations.map(({ name }) => name));
  });

  it("S68: a role that may not change tables is told which steps are missing and what to run", async () => {
    const { url, name } = await schemaOfTest(server);
    const role = `${name}_reader`;
    await onServer(server, (client) =>
      client.query(`create role ${role} login; grant usage on schema ${name} to ${role}`),
    );
    const asReader = new URL(url);
    asReader.username = role;
    await expect(migrate(openUrl(asReader.href), "postgres")).rejects.toThrow(
      /lacks the migrations 0001-.*npm run migrate/,
    );
    await migrate(openUrl(url), "postgres");
    await onServer(url, (client) => client.query(`grant select on migration to ${role}`));
    expect(await migrate(openUrl(asReader.href), "postgres")).toEqual([]);
    await onServer(server, (client) => client.query(`drop owned by ${role}; drop role ${role}`));
  });
});
