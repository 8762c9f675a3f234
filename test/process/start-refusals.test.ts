import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spawnBroker } from "../support/broker-process.ts";
import { ON_SQLITE } from "../support/postgres-server.ts";
import { runBroker } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let started: string;
beforeAll(async () => {
  started = mkdtempSync(join(tmpdir(), "entente-test-"));
  await (await runBroker(ON_SQLITE, started)).close();
});
afterAll(() => rmSync(started, { recursive: true, force: true }));

/** A data folder that a broker has run on, as it left it. */
function usedFolder(): string {
  const folder = join(temporaryFolder(), "data");
  cpSync(started, folder, { recursive: true });
  chmodSync(folder, 0o700);
  for (const file of ["entente.db", "keys/broker-ca.pem"]) chmodSync(join(folder, file), 0o600);
  return folder;
}

async function refusal(folder: string, env: Record<string, string> = {}) {
  const broker = spawnBroker(folder, env);
  const { code } = await broker.ended;
  return { code, said: broker.output() };
}

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");
const STACK = /\n +at /;
/** Takes from the superuser what lets it write everywhere; others have nothing to take. */
const AS_ORDINARY_USER = process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-all"] : ["env"];
const works = ([command = "", ...parameters]: readonly string[]) =>
  spawnSync(command, [...parameters, "true"]).status === 0;
const CAN_MOUNT = works(["unshare", "-rm"]);
const CAN_DROP = works(AS_ORDINARY_USER);

/** As `refusal`, below a program that changes what the broker may do, after a command that has the folder as `$0`. */
function refusalBelow(folder: string, before: string, ...[program = "", ...parameters]: string[]) {
  const script = `${before} && exec "${process.execPath}" "${MAIN}"`;
  const { status, stdout, stderr } = spawnSync(program, [...parameters, "sh", "-c", script, folder], {
    env: { PATH: process.env.PATH, ENTENTE_DATA: folder, ENTENTE_TRUST_DOMAIN: "broker.example" },
    encoding: "utf8",
    timeout: 20_000,
  });
  return { code: status, said: stdout + stderr };
}

const database = (folder: string) => join(folder, "entente.db");

describe("a start that would go wrong is refused with exit status 78, what is wrong and what mends it (L9):", () => {
  it("another trust domain than that of the first start", async () => {
    const { code, said } = await refusal(usedFolder(), { ENTENTE_TRUST_DOMAIN: "other.example" });
    expect(said).toContain("trustDomain is other.example, but this database is of broker.example");
    expect(code).toBe(78);
  });

  it("an invalid configuration, before anything is opened", async () => {
    const folder = join(temporaryFolder(), "data");
    const { code, said } = await refusal(folder, { ENTENTE_SVID_TTL_SECONDS: "soon" });
    expect(said).toContain("ENTENTE_SVID_TTL_SECONDS");
    expect({ code, opened: existsSync(folder) }).toEqual({ code: 78, opened: false });
  });

  it.each(["ENTENTE_ADMIN_ADDRESS", "ENTENTE_BUNDLE_ADDRESS", "ENTENTE_BUNDLE_WEB_ADDRESS"])(
    "a port in use: %s",
    async (variable) => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
      const { port } = other.address() as { port: number };
      const { code, said } = await refusal(usedFolder(), { [variable]: `127.0.0.1:${port}` });
      other.close();
      expect(said).toContain(`127.0.0.1:${port}`);
      expect(said).toContain("EADDRINUSE");
      expect(code).toBe(78);
    },
  );

  it("a database that a newer program wrote (L12)", async () => {
    const folder = usedFolder();
    const db = new BetterSqlite3(database(folder));
    db.prepare("insert into migration (name, applied_at) values ('9999-tomorrow', 0)").run();
    db.close();
    const { code, said } = await refusal(folder);
    expect(said).toContain("9999-tomorrow");
    expect(code).toBe(78);
  });

  it.each([
    ["no database at all", 0],
    ["a damaged page", 4096],
  ])("a corrupt database: %s; the file is left as it is (L5)", async (_, offset) => {
    const folder = usedFolder();
    const bytes = readFileSync(database(folder));
    bytes.fill(0xa5, offset, offset + 4096);
    writeFileSync(database(folder), bytes);
    const { code, said } = await refusal(folder);
    expect(said).toContain("restore a backup");
    expect(code).toBe(78);
    expect(readFileSync(database(folder)).equals(bytes)).toBe(true);
  });

  it("numbers given out beyond the log that cannot be read: none is given out again (R16)", async () => {
    const folder = usedFolder();
    writeFileSync(join(folder, "numbers-ahead.json"), "{", { mode: 0o600 });
    const { code, said } = await refusal(folder);
    expect(said).toMatch(/numbers-ahead\.json cannot be read.*raise the generation.*then remove it/s);
    expect(said).not.toMatch(STACK);
    expect(code).toBe(78);
  });

  it.each([
    ["numbers-ahead.json", /numbers-ahead\.json cannot be read.*then remove it/s],
    ["unrecorded-fetches", /unrecorded-fetches.*remove the folder that is where a file must be/s],
  ])("a folder where what the bundle endpoint keeps must be: %s", async (file, expected) => {
    const folder = usedFolder();
    rmSync(join(folder, file), { force: true });
    mkdirSync(join(folder, file));
    const { code, said } = await refusal(folder);
    expect(said).toMatch(expected);
    expect(said).not.toMatch(STACK);
    expect(code).toBe(78);
  });

  it.each(["entente.db", "keys/broker-ca.pem"])("a file that others can read: %s (S62)", async (file) => {
    const folder = usedFolder();
    chmodSync(join(folder, file), 0o644);
    const { code, said } = await refusal(folder);
    expect(said).toContain("chmod 600");
    expect(said).toContain(file);
    expect(code).toBe(78);
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o644);
  });

  it.skipIf(!CAN_MOUNT)("a file system that is mounted read-only (L4)", () => {
    const folder = usedFolder();
    const { code, said } = refusalBelow(folder, "mount --bind $0 $0 && mount -o remount,bind,ro $0", "unshare", "-rm");
    expect(said).toContain("mount its file system for writing");
    expect(said).toContain("entente.lock");
    expect(said).not.toMatch(STACK);
    expect(code).toBe(78);
  });

  it.skipIf(!CAN_DROP).each([
    ["a folder that the broker's user may not write", "", 0o500, /entente\.lock/],
    [
      "one file in it that it may not read",
      "entente.db",
      0o000,
      /EACCES.*entente\.db.*give the broker's user the right/s,
    ],
    ["a folder in it that it may not look into", "keys", 0o000, /EACCES.*keys.*give the broker's user the right/s],
    ["a key that it may not read", "keys/broker-ca.pem", 0o000, /EACCES.*keys.*give the broker's user the right/s],
  ])("%s (L4)", (_, file, mode, expected) => {
    const folder = usedFolder();
    for (const lock of file === "" ? ["entente.lock"] : []) rmSync(join(folder, lock), { force: true });
    chmodSync(join(folder, file), mode);
    const { code, said } = refusalBelow(folder, "true", ...AS_ORDINARY_USER);
    chmodSync(join(folder, file), 0o700);
    expect(said).toMatch(expected);
    expect(said).not.toMatch(STACK);
    expect(code).toBe(78);
  });

  it("and the folder as it was left starts", async () => {
    const folder = usedFolder();
    const broker = await runBroker(ON_SQLITE, folder);
    await broker.close();
    expect(broker.addresses.admin).toMatch(/^https:/);
  });
});

it("every file under the data folder is its owner's alone (S62)", async () => {
  const folder = usedFolder();
  const broker = spawnBroker(folder);
  while (!broker.output().includes("listening")) await new Promise((resolve) => setTimeout(resolve, 20));
  const { stdout } = spawnSync("find", [folder, "-perm", "/077"], { encoding: "utf8" });
  expect(stdout).toBe("");
  expect((await broker.end("SIGTERM")).code).toBe(0);
});
