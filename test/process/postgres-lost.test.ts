import { expect, it, onTestFinished } from "vitest";
import { findPostgres, startCluster } from "../../scripts/postgres/cluster.ts";
import { decide } from "../federation/federation-fixture.ts";
import { type ListeningProcess, startProcess } from "../support/broker-process.ts";
import { TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const programs = TEST_POSTGRES_URL === undefined ? undefined : findPostgres();
const PATIENCE = { timeout: 30_000 };

async function federatedOnCluster() {
  const cluster = await startCluster(programs ?? "");
  onTestFinished(() => cluster.remove());
  const broker = await startProcess(temporaryFolder(), { ENTENTE_DATABASE_URL: cluster.url });
  const bank = await registerMesh(broker, "bank");
  const shop = await registerMesh(broker, "shop");
  const federationId = await federate(broker, bank, shop);
  return { cluster, broker, bank, shop, federationId };
}

const makePoller = (broker: ListeningProcess, token: string, name: string) =>
  broker.api("POST", "/v1/meshes/bank/pollers", { token, body: { name } });

it.skipIf(programs === undefined)(
  "L3, L16: while PostgreSQL is gone bundles go on, changes are 503, and when it is back no restart is needed",
  async () => {
    const { cluster, broker, bank, shop, federationId } = await federatedOnCluster();
    const path = `/p/${bank.pollerToken}/${shop.trustDomain}`;
    const before = await broker.pollSpiffe(path);
    expect(JSON.parse(before.body).keys).toHaveLength(1);

    for (const how of ["immediate", "fast"] as const) {
      await cluster.stop(how);
      const during = await broker.pollSpiffe(path);
      expect([during.status, during.body, during.headers.etag]).toEqual([200, before.body, before.headers.etag]);
      for (const refused of [
        await makePoller(broker, bank.token, "in vain"),
        await broker.api("GET", "/v1/meshes", { token: bank.token }),
        await broker.api("GET", "/metrics", { token: broker.operatorToken }),
        await decide(broker, shop, federationId, "withdraw"),
      ]) {
        expect([refused.status, refused.body.code]).toEqual([503, "storage-unavailable"]);
        expect(refused.headers["retry-after"]).toBe("1");
      }
      const unready = async () => (await broker.api("GET", "/readyz")).body.reasons;
      await expect.poll(unready, PATIENCE).toEqual(["database-not-writable"]);
      expect((await broker.api("GET", "/livez")).status).toBe(200);

      await cluster.start();
      await expect.poll(async () => (await broker.api("GET", "/readyz")).status, PATIENCE).toBe(200);
      expect((await makePoller(broker, bank.token, `after ${how}`)).status).toBe(201);
      expect((await broker.pollSpiffe(path)).body).toBe(before.body);
    }
    const { pollers } = (await broker.api("GET", "/v1/meshes/bank/pollers", { token: bank.token })).body;
    expect(pollers.map(({ name }: { name: string }) => name).toSorted()).toEqual([
      "after fast",
      "after immediate",
      "control plane",
    ]);

    await expectStatus(200, decide(broker, shop, federationId, "withdraw"));
    expect(JSON.parse((await broker.pollSpiffe(path)).body).keys).toEqual([]);
    // What was fetched meanwhile is in the ledger all the same.
    const ledger = async () =>
      (await expectStatus(200, broker.api("GET", "/v1/meshes/bank/deliveries", { token: bank.token }))).body.deliveries;
    await expect.poll(async () => (await ledger()).length, PATIENCE).toBeGreaterThan(0);
    expect((await broker.end("SIGTERM")).code).toBe(0);
  },
  120_000,
);

/** What it took, in milliseconds, beside the answer. */
async function timed<T>(act: Promise<T>): Promise<readonly [T, number]> {
  const begun = performance.now();
  return [await act, performance.now() - begun];
}

it.skipIf(programs === undefined)(
  "L3, L16: a PostgreSQL that holds its connections and says nothing is waited for five seconds in all, and readiness one",
  async () => {
    const { cluster, broker, bank, shop } = await federatedOnCluster();
    const path = `/p/${bank.pollerToken}/${shop.trustDomain}`;
    const before = await broker.pollSpiffe(path);
    cluster.freeze();
    // Connections that are there, and those that are only made now: more than were ever used at once.
    const asked = Array.from({ length: 20 }, (_, index) => timed(makePoller(broker, bank.token, `frozen ${index}`)));
    const readiness = async () => {
      const [{ body }, ms] = await timed(broker.api("GET", "/readyz"));
      expect(ms).toBeLessThan(3_000);
      return body.reasons;
    };
    await expect.poll(readiness, { timeout: 10_000 }).toEqual(["database-not-writable"]);
    for (const [{ status, body }, ms] of await Promise.all(asked)) {
      expect([status, body.code]).toEqual([503, "storage-unavailable"]);
      expect(ms).toBeLessThan(8_000);
    }
    const [again, ms] = await timed(makePoller(broker, bank.token, "still frozen"));
    expect(again.status).toBe(503);
    expect(ms).toBeLessThan(8_000);
    expect((await broker.pollSpiffe(path)).body).toBe(before.body);

    cluster.goOn();
    await expect.poll(async () => (await broker.api("GET", "/readyz")).status, PATIENCE).toBe(200);
    expect((await makePoller(broker, bank.token, "after")).status).toBe(201);
    const { pollers } = (await broker.api("GET", "/v1/meshes/bank/pollers", { token: bank.token })).body;
    expect(pollers.map(({ name }: { name: string }) => name).toSorted()).toEqual(["after", "control plane"]);
    expect((await broker.end("SIGTERM")).code).toBe(0);
  },
  120_000,
);

it.skipIf(programs === undefined)(
  "L9: a start without a PostgreSQL to be reached is refused with exit status 78, what is wrong and what mends it",
  async () => {
    const { cluster, broker } = await federatedOnCluster();
    await broker.end("SIGTERM");
    await cluster.stop("fast");
    const url = cluster.url.replace("postgres@", "postgres:hunter2@");
    const again = startProcess(temporaryFolder(), { ENTENTE_DATABASE_URL: url });
    await expect(again).rejects.toThrow(/"code":78.*the PostgreSQL of databaseUrl cannot be used: .*ECONNREFUSED/s);
    await expect(again).rejects.not.toThrow(/hunter2/);
  },
  60_000,
);
