import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { expect, it, onTestFinished, vi } from "vitest";
import { type ListeningProcess, spawnBroker, startProcess } from "../support/broker-process.ts";
import { ON_SQLITE } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const PRLIMIT = "/usr/bin/prlimit";
const STRACE = "/usr/bin/strace";
const PAGE = 4096;

async function federated(folder = temporaryFolder()) {
  // What the broker writes by itself would meet the fault in the place of what the test writes.
  const broker = await startProcess(folder, { ...ON_SQLITE, ENTENTE_DELIVERY_BATCH_MS: "60000" });
  const bank = await registerMesh(broker, "bank");
  const shop = await registerMesh(broker, "shop");
  await federate(broker, bank, shop);
  const path = `/p/${bank.pollerToken}/${shop.trustDomain}`;
  const before = await broker.pollSpiffe(path);
  /** Polls answer what they did, whatever the database is. */
  const expectServed = async () => {
    const { status, body, headers } = await broker.pollSpiffe(path);
    expect([status, body, headers.etag]).toEqual([200, before.body, before.headers.etag]);
  };
  return { broker, bank, expectServed, file: join(folder, "entente.db") };
}

const makePoller = (broker: ListeningProcess, token: string, name: string) =>
  broker.api("POST", "/v1/meshes/bank/pollers", { token, body: { name } });

/** A disk that failed is tried again each second. */
const untilMade = (broker: ListeningProcess, token: string, name: string) =>
  vi.waitFor(() => expectStatus(201, makePoller(broker, token, name)), { timeout: 10_000, interval: 200 });

async function pollerNames(broker: ListeningProcess, token: string): Promise<string[]> {
  const { body } = await expectStatus(200, broker.api("GET", "/v1/meshes/bank/pollers", { token }));
  return body.pollers.map(({ name }: { name: string }) => name).toSorted();
}

const expectRefused = async (answer: ReturnType<typeof makePoller>) => {
  const { status, body, headers } = await answer;
  expect([status, body.code, headers["retry-after"]]).toEqual([503, "storage-unavailable", "1"]);
};

/** The kernel lets the process write no file beyond `bytes` (EFBIG), which SQLite takes for an I/O error. */
const limitFiles = ({ child }: ListeningProcess, bytes: number | "unlimited") =>
  void execFileSync(PRLIMIT, [`--pid=${child.pid}`, `--fsize=${bytes}:unlimited`]);

/** Every flush of the process to the disk fails until the returned function is called. */
async function failFlushes({ child }: ListeningProcess): Promise<() => Promise<void>> {
  const fault = "inject=fdatasync,fsync:error=EIO";
  const tracer = spawn(STRACE, ["-f", "-e", fault, "-e", "trace=fdatasync,fsync", "-p", String(child.pid)]);
  onTestFinished(() => void tracer.kill("SIGKILL"));
  await once(tracer.stderr, "data");
  tracer.stderr.resume();
  return async () => {
    tracer.kill("SIGINT");
    await once(tracer, "close");
  };
}

/** A disk of four megabytes; undefined where it takes a right that the tests do not have. */
function smallDisk(): string | undefined {
  const folder = temporaryFolder();
  try {
    execFileSync("/usr/bin/mount", ["-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync("/usr/bin/umount", ["--lazy", folder]));
  return folder;
}

/** Writes until nothing more has room; returns what makes room again. */
function fill(folder: string): () => void {
  const file = join(folder, "ballast");
  try {
    for (;;) appendFileSync(file, Buffer.alloc(PAGE));
  } catch {
    return () => rmSync(file);
  }
}

/** What is in the log of commits goes into the database's file. */
function checkpoint(file: string): void {
  const handle = new BetterSqlite3(file);
  handle.pragma("wal_checkpoint(truncate)");
  handle.close();
}

/** What a process writes arrives later than what it answers. */
const untilSaid = (broker: { output(): string }, what: string | RegExp) =>
  vi.waitFor(() => expect(broker.output()).toMatch(what), 10_000);

async function expectWritesOff({ broker, bank, expectServed }: Awaited<ReturnType<typeof federated>>) {
  await expectRefused(makePoller(broker, bank.token, "in vain"));
  expect((await broker.api("GET", "/readyz")).body.reasons).toEqual(["database-not-writable"]);
  await untilSaid(broker, "no change is taken any more");
  await expectServed();
}

it.skipIf(!existsSync(PRLIMIT))(
  "L3: after a write to the disk failed the database is opened anew before the next, and nothing is half there",
  async () => {
    const { broker, bank, expectServed, file } = await federated();
    limitFiles(broker, statSync(`${file}-wal`).size + PAGE);
    await expectRefused(makePoller(broker, bank.token, "in vain"));
    await expectServed();
    expect(await pollerNames(broker, bank.token)).toEqual(["control plane"]);
    limitFiles(broker, "unlimited");
    await untilMade(broker, bank.token, "after");
    await untilSaid(broker, "was opened again after an I/O error");
    expect(await pollerNames(broker, bank.token)).toEqual(["after", "control plane"]);
    expect((await broker.end("SIGTERM")).code).toBe(0);
  },
);

it.skipIf(!existsSync(STRACE))(
  "L3: a flush that failed is not tried again as if nothing had happened: the database is opened anew and checked first",
  async () => {
    const { broker, bank, expectServed } = await federated();
    const mend = await failFlushes(broker);
    const unflushed = makePoller(broker, bank.token, "unflushed");
    await expectRefused(unflushed);
    // It is whole in the log of commits, so that whoever opens the file finds it: to say that it was not made would be a lie.
    expect((await unflushed).body.outcome).toBe("unknown");
    await expectServed();
    expect(await pollerNames(broker, bank.token)).toEqual(["control plane", "unflushed"]);
    await expectRefused(makePoller(broker, bank.token, "in vain"));
    await mend();
    await untilMade(broker, bank.token, "after");
    await untilSaid(broker, "was opened again after an I/O error");
    expect(await pollerNames(broker, bank.token)).toEqual(["after", "control plane", "unflushed"]);
  },
);

it.skipIf(!existsSync(STRACE))(
  "L3: what the failed flush left is written and flushed again before the next change: the disk may never have got it",
  async () => {
    const { broker, bank, file } = await federated();
    const log = join(temporaryFolder(), "calls");
    const calls = "pwrite64,fdatasync,fsync";
    const fault = "inject=fdatasync,fsync:error=EIO:when=1";
    const tracer = spawn(STRACE, [
      "-f",
      "-y",
      "-o",
      log,
      "-e",
      `trace=${calls}`,
      "-e",
      fault,
      "-p",
      String(broker.child.pid),
    ]);
    onTestFinished(() => void tracer.kill("SIGKILL"));
    await once(tracer.stderr, "data");
    await expectRefused(makePoller(broker, bank.token, "unflushed"));
    await untilMade(broker, bank.token, "after");
    tracer.kill("SIGINT");
    await once(tracer, "close");
    const onLog = readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line.includes(`${file}-wal>`));
    const failed = onLog.findIndex((line) => /sync\(.*EIO.*INJECTED/.test(line));
    const since = onLog.slice(failed + 1);
    const flushed = since.findIndex((line) => /fsync\(.*= 0$/.test(line));
    const written = since
      .slice(0, flushed)
      .map((line) => /pwrite64\(.*, (\d+)\)\s+= (\d+)$/.exec(line)?.slice(1).map(Number));
    // All of it, from its first byte on, before anything else.
    let end = 0;
    for (const [at, bytes = 0] of written as number[][]) {
      expect(at).toBe(end);
      end += bytes;
    }
    expect(failed).toBeGreaterThanOrEqual(0);
    expect(end).toBeGreaterThan(PAGE);
  },
);

it.skipIf(!existsSync(PRLIMIT))(
  "L3: where what was acknowledged is gone after an I/O error, no change is taken any more, and bundles go on",
  async () => {
    const broken = await federated();
    const { broker, bank, file } = broken;
    checkpoint(file);
    await expectStatus(201, makePoller(broker, bank.token, "acknowledged"));
    limitFiles(broker, statSync(`${file}-wal`).size);
    truncateSync(`${file}-wal`, 0);
    await expectRefused(makePoller(broker, bank.token, "in vain"));
    limitFiles(broker, "unlimited");
    await expectWritesOff(broken);
    await untilSaid(broker, /holds \d+ events of \d+ that were acknowledged/);
    expect((await broker.end("SIGTERM")).code).toBe(0);
    // The file is sound and short: whoever starts on it would give the lost positions out again (L11).
    const again = spawnBroker(dirname(file), ON_SQLITE);
    expect((await again.ended).code).toBe(78);
    expect(again.output()).toMatch(/database-broken says .* holds \d+ events of \d+ .* restore a backup/);
    rmSync(join(dirname(file), "database-broken"));
    const restored = await startProcess(dirname(file), ON_SQLITE);
    expect((await restored.end("SIGTERM")).code).toBe(0);
  },
);

it("L5: corruption that is met while running turns writes off, leaves the file as it is, and bundles go on", async () => {
  const broken = await federated();
  const { broker, bank, file } = broken;
  checkpoint(file);
  const handle = new BetterSqlite3(file);
  const { page } = handle.prepare("select rootpage as page from sqlite_master where name = 'poller'").get() as {
    page: number;
  };
  const bytes = openSync(file, "r+");
  writeSync(bytes, Buffer.alloc(PAGE, 0x5a), 0, PAGE, (page - 1) * PAGE);
  closeSync(bytes);
  // What another process commits makes the broker read its pages again.
  handle.exec("update log_head set size = size");
  handle.close();
  await expectRefused(broker.api("GET", "/v1/meshes/bank/pollers", { token: bank.token }));
  // Also of a table that is whole.
  await expectRefused(
    broker.api("POST", "/v1/invitations", { token: broker.operatorToken, body: { trustDomain: "late.example" } }),
  );
  await expectWritesOff(broken);
  expect((await broker.api("GET", "/v1/meshes", { token: bank.token })).status).toBe(200);
  const left = statSync(file).mtimeMs;
  expect((await broker.end("SIGTERM")).code).toBe(0);
  expect(statSync(file).mtimeMs).toBe(left);
});

it("L3: a full disk refuses changes and nothing else, and when it has room again no restart is needed", async ({
  skip,
}) => {
  const disk = smallDisk();
  if (disk === undefined) return skip("it takes the right to mount");
  const { broker, bank, expectServed } = await federated(disk);
  const empty = fill(disk);
  await expectRefused(makePoller(broker, bank.token, "in vain"));
  await expectServed();
  expect((await broker.api("GET", "/readyz")).body.reasons).toEqual(["database-not-writable"]);
  expect(await pollerNames(broker, bank.token)).toEqual(["control plane"]);
  empty();
  await expectStatus(201, makePoller(broker, bank.token, "after"));
  await expectStatus(200, broker.api("GET", "/readyz"));
  expect(await pollerNames(broker, bank.token)).toEqual(["after", "control plane"]);
});
