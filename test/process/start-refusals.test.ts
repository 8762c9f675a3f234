import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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

  it.each(["entente.db", "keys/broker-ca.pem"])("a file that others can read: %s (S62)", async (file) => {
    const folder = usedFolder();
    chmodSync(join(folder, file), 0o644);
    const { code, said } = await refusal(folder);
    expect(said).toContain("chmod 600");
    expect(said).toContain(file);
    expect(code).toBe(78);
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o644);
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
