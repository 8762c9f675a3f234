import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { findPostgres, startCluster } from "../../scripts/postgres/cluster.ts";
import { type Randomness, systemRandomness } from "../../src/randomness.ts";
import { StartRefusal } from "../../src/start-refusal.ts";
import { type BrokerProcess, spawnBroker, startProcess } from "../support/broker-process.ts";
import { ON_SQLITE, TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const programs = TEST_POSTGRES_URL === undefined ? undefined : findPostgres();

const lastLine = (broker: BrokerProcess) => JSON.parse(broker.output().trim().split("\n").at(-1) ?? "").msg;

async function said(broker: BrokerProcess, text: string): Promise<void> {
  while (!broker.output().includes(text)) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A port that somebody else listens on, and what frees it. */
async function takenPort() {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  return { port, free: () => new Promise((resolve) => other.close(resolve)) };
}

it("L7: the last line of an orderly stop says that it is one", async () => {
  const broker = await startProcess(temporaryFolder());
  expect((await broker.end("SIGTERM")).code).toBe(0);
  expect(lastLine(broker)).toBe("stopped");
});

it("L7: told to stop while it starts, the process ends in order", async () => {
  const broker = spawnBroker(temporaryFolder(), ON_SQLITE);
  await said(broker, "the first operator token was written");
  expect((await broker.end("SIGTERM")).code).toBe(0);
  expect(lastLine(broker)).toBe("stopped");
});

it.each([
  ["opens its database", 1],
  ["issues its certificates", 14],
])("L7: told to stop while it %s, it announces nothing, and the next start finds all as it was", async (_, draws) => {
  const folder = temporaryFolder();
  const stop = new AbortController();
  let drawn = 0;
  const random: Randomness = (bytes) => {
    drawn += 1;
    if (drawn === draws) stop.abort();
    return systemRandomness(bytes);
  };
  await expect(runBroker(ON_SQLITE, folder, random, { stop: stop.signal })).rejects.toThrow("abort");
  expect(existsSync(join(folder, "addresses.json"))).toBe(false);
  const broker = await runBroker(ON_SQLITE, folder);
  onTestFinished(() => broker.close());
  await expectStatus(200, broker.api("GET", "/v1/tokens", { token: broker.operatorToken }));
});

it.each(["ENTENTE_ADMIN_ADDRESS", "ENTENTE_BUNDLE_ADDRESS", "ENTENTE_BUNDLE_WEB_ADDRESS"])(
  "L9: a start that fails for the port of %s leaves nothing open: in the same process the next one listens",
  // A port that is free again can be taken by anybody.
  { retry: 2 },
  async (variable) => {
    const folder = temporaryFolder();
    const { port, free } = await takenPort();
    const [other, third] = [await takenPort(), await takenPort()];
    await Promise.all([other.free(), third.free()]);
    const variables = ["ENTENTE_ADMIN_ADDRESS", "ENTENTE_BUNDLE_ADDRESS", "ENTENTE_BUNDLE_WEB_ADDRESS"];
    const rest = [other.port, third.port];
    const env = Object.fromEntries(
      variables.map((name) => [name, `127.0.0.1:${name === variable ? port : rest.shift()}`]),
    );
    await expect(runBroker(env, folder)).rejects.toThrow(StartRefusal);
    await free();
    const broker = await runBroker(env, folder);
    onTestFinished(() => broker.close());
    await expectStatus(200, broker.api("GET", "/readyz"));
  },
);

it.skipIf(programs === undefined)(
  "L7: told to stop while PostgreSQL says nothing, it ends by itself within its time: what writes is stopped together",
  async () => {
    const cluster = await startCluster(programs ?? "");
    onTestFinished(() => cluster.remove());
    const broker = await startProcess(temporaryFolder(), { ENTENTE_DATABASE_URL: cluster.url });
    const bank = await registerMesh(broker, "bank");
    const shop = await registerMesh(broker, "shop");
    await federate(broker, bank, shop);
    cluster.freeze();
    // A refusal to be counted, a use of a token and a delivery: each is still to be written.
    await broker.api("POST", "/v1/invitations", { raw: "{" });
    expect((await broker.pollSpiffe(`/p/${bank.pollerToken}/${shop.trustDomain}`)).status).toBe(200);
    const stuck = broker.api("GET", "/v1/meshes", { token: bank.token });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const begun = performance.now();
    expect((await broker.end("SIGTERM")).code).toBe(0);
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect((await stuck).status).toBe(503);
    expect(lastLine(broker)).toBe("stopped");
  },
  60_000,
);
