import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { SECOND_MS } from "../../src/time.ts";
import { decide } from "../federation/federation-fixture.ts";
import { schemaOfTest } from "../support/databases.ts";
import { onServer, TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh, runBroker, type TestBroker } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const server = TEST_POSTGRES_URL ?? "";
const PATIENCE = { timeout: 20_000 };
/** A machine with too much to do is late now and then; a server that looks too seldom is late in most rounds. */
const ROUNDS = 5;

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** One database and one key file, and what starts a server on both with a data folder of its own. */
async function shared() {
  const { url } = await schemaOfTest(server);
  const keyFile = join(temporaryFolder(), "entente.key");
  writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
  const env = { ENTENTE_DATABASE_URL: url, ENTENTE_KEY_FILE: keyFile };
  const start = async (more: Record<string, string> = {}): Promise<TestBroker> => {
    const broker = await runBroker({ ...env, ...more }, temporaryFolder());
    onTestFinished(() => broker.close());
    return broker;
  };
  return { url, keyFile, start };
}

const events = async (broker: TestBroker, token: string, type: string) =>
  (await expectStatus(200, broker.api("GET", `/v1/audit-events?type=${type}`, { token }))).body.events;

describe.skipIf(TEST_POSTGRES_URL === undefined)("servers that share a PostgreSQL", () => {
  it("started for the first time at once make one CA and one operator token, and share one trust domain", async () => {
    const { start } = await shared();
    const brokers = await Promise.all([start(), start(), start()]);
    expect(new Set(brokers.map(({ adminCa }) => adminCa)).size).toBe(1);
    const tokens = brokers.map(({ operatorToken }) => operatorToken).filter((token) => token !== "");
    expect(tokens).toHaveLength(1);
    const [token = ""] = tokens;
    for (const broker of brokers) {
      expect(await events(broker, token, "broker.initialised")).toHaveLength(1);
      expect(await events(broker, token, "token.created")).toHaveLength(1);
      // Its own SVID, verified by the one CA.
      expect((await broker.pollSpiffe("/bundle")).status).toBe(200);
    }
    const bundles = await Promise.all(brokers.map(async (broker) => (await broker.pollSpiffe("/bundle")).body));
    expect(new Set(bundles).size).toBe(1);
    expect(JSON.parse(bundles[0] ?? "").keys).toHaveLength(1);
  });

  it("each serve what the other committed, and take each other's tokens and cursors", async () => {
    const { start } = await shared();
    const one = await start();
    const two = await start();
    const operator = one.operatorToken;
    const bank = await registerMesh(one, "bank");
    const shop = await registerMesh({ ...two, operatorToken: operator }, "shop");
    const federationId = await federate(two, bank, shop);
    const path = `/p/${bank.pollerToken}/${shop.trustDomain}`;
    const served = async (broker: TestBroker) => JSON.parse((await broker.pollSpiffe(path)).body).keys?.length;
    await expect.poll(() => served(one), PATIENCE).toBe(1);
    expect(await served(two)).toBe(1);

    await expectStatus(200, decide(one, shop, federationId, "withdraw"));
    expect(await served(one)).toBe(0);
    await expect.poll(() => served(two), PATIENCE).toBe(0);

    const page = await expectStatus(200, one.api("GET", "/v1/meshes?limit=1", { token: operator }));
    const cursor = encodeURIComponent(page.body.next);
    const rest = await expectStatus(200, two.api("GET", `/v1/meshes?limit=1&cursor=${cursor}`, { token: operator }));
    expect([...page.body.meshes, ...rest.body.meshes].map(({ meshId }) => meshId)).toEqual(["bank", "shop"]);
  });

  it("each serve what the other committed within a second of its answer", async () => {
    const { start } = await shared();
    const one = await start();
    const two = await start();
    const bank = await registerMesh(one, "bank");
    const shop = await registerMesh(one, "shop");
    await federate(one, bank, shop);
    const hint = async (broker: TestBroker): Promise<number> =>
      JSON.parse((await broker.pollSpiffe(`/p/${bank.pollerToken}/${shop.trustDomain}`)).body).spiffe_refresh_hint;
    const lag = async (from: TestBroker, to: TestBroker, refreshHintSeconds: number): Promise<number> => {
      const path = `/v1/trust-domains/${shop.trustDomain}`;
      await expectStatus(200, from.api("PATCH", path, { token: shop.token, body: { refreshHintSeconds } }));
      const answered = performance.now();
      await expect.poll(() => hint(to), { ...PATIENCE, interval: 20 }).toBe(refreshHintSeconds);
      return performance.now() - answered;
    };
    for (const [first, from, to] of [
      [60, one, two],
      [70, two, one],
    ] as const) {
      const lags: number[] = [];
      // But for the first each is committed just after a look, when the next one is furthest.
      for (let round = 0; round < ROUNDS; round += 1) lags.push(await lag(from, to, first + round));
      expect(median(lags), `of ${lags.map(Math.round).join(", ")} ms`).toBeLessThan(SECOND_MS);
    }
  });

  it("keep the private key sealed: nothing of it is in the database in the clear, nor beside it (S63)", async () => {
    const { url, start } = await shared();
    const { dataFolder } = await start();
    const rows = await onServer(url, (client) => client.query("select name, generation, sealed from sealed_key"));
    expect(rows.rows).toEqual([{ name: "broker-ca", generation: 1, sealed: expect.stringMatching(/^[\w-]{200,}$/) }]);
    expect(Buffer.from(rows.rows[0].sealed, "base64url").includes("\x06\x07\x2a\x86\x48\xce\x3d")).toBe(false);
    expect(existsSync(join(dataFolder, "keys"))).toBe(false);
    expect(existsSync(join(dataFolder, "broker-ca.pem"))).toBe(false);
  });

  it.each([
    ["another key", (path: string) => writeFileSync(path, randomBytes(32)), /not sealed under this server's key file/],
    ["a key that is too short", (path: string) => writeFileSync(path, randomBytes(31)), /has 31 bytes; allowed: 32/],
    ["a key that others can read", (path: string) => chmodSync(path, 0o640), /chmod 600/],
  ])("S62, S63: refuse to start with %s", async (_, spoil, message) => {
    const { keyFile, start } = await shared();
    await start();
    spoil(keyFile);
    await expect(start()).rejects.toThrow(message);
  });

  it("S63: a sealed key that was put under another name or generation is not taken", async () => {
    const { url, start } = await shared();
    await start();
    await onServer(url, (client) => client.query("update sealed_key set generation = 2"));
    await expect(start()).rejects.toThrow(/not sealed under this server's key file, or was changed/);
  });

  it("where none is named, the first makes a key file of its own; a second one without it is told to copy it", async () => {
    const { start } = await shared();
    const { dataFolder, adminCa } = await start({ ENTENTE_KEY_FILE: "" });
    const own = join(dataFolder, "keys", "sealing.key");
    expect(statSync(own).mode & 0o777).toBe(0o600);
    expect(readFileSync(own)).toHaveLength(32);
    await expect(start({ ENTENTE_KEY_FILE: "" })).rejects.toThrow(/sealing\.key cannot be read: .*servers has a copy/s);
    expect((await start({ ENTENTE_KEY_FILE: own })).adminCa).toBe(adminCa);
  });

  it("of different trust domains cannot be: the second one refuses to start", async () => {
    const { start } = await shared();
    await start();
    const other = start({ ENTENTE_TRUST_DOMAIN: "other.example" });
    await expect(other).rejects.toThrow("trustDomain is other.example, but this database is of broker.example");
  });
});
