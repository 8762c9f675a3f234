import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { DAY_MS, MINUTE_MS } from "../../src/time.ts";
import { schemaOfTest } from "../support/databases.ts";
import { passingTime } from "../support/passing-time.ts";
import { onServer, TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { expectStatus, runBroker } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { casOf, casOfPem, faultOf, pollUnverified } from "./bundle-followers.ts";

const PATIENCE = { timeout: 20_000 };

/** Two servers of one database and one key file, in one time. */
async function twoServers() {
  const { url } = await schemaOfTest(TEST_POSTGRES_URL ?? "");
  const keyFile = join(temporaryFolder(), "entente.key");
  writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
  const env = { ENTENTE_DATABASE_URL: url, ENTENTE_KEY_FILE: keyFile };
  const time = passingTime();
  const start = async () => {
    const broker = await runBroker(env, temporaryFolder(), undefined, time.surroundings);
    onTestFinished(() => broker.close());
    return broker;
  };
  return { url, time, start, servers: [await start(), await start()] as const };
}

describe.skipIf(TEST_POSTGRES_URL === undefined)("a roll-over of the CA that servers share", () => {
  it("is taken over by each of them, with each step taken once, and a later server finds the new CA alone", async () => {
    const { url, time, start, servers } = await twoServers();
    const [one] = servers;
    const rows = async (sql: string) => (await onServer(url, (client) => client.query(sql))).rows;
    const states = async () =>
      (await rows("select state from contribution where source_kind = 'broker' order by created_at")).map(
        ({ state }) => state,
      );
    const held = (await pollUnverified(one.addresses.bundleSpiffe)).bundle;
    await expectStatus(200, one.api("POST", "/v1/broker/ca-rollovers", { token: one.operatorToken, body: {} }));
    const roots = ({ dataFolder }: { dataFolder: string }) =>
      casOfPem(readFileSync(join(dataFolder, "admin-ca.pem"), "utf8"));
    for (const server of servers) await expect.poll(() => roots(server).length, PATIENCE).toBe(2);
    const both = roots(one);

    time.pass(25 * MINUTE_MS);
    await expect.poll(states, PATIENCE).toEqual(["retiring", "active"]);
    for (const { addresses } of servers) {
      const faults = async () => {
        const { leaf } = await pollUnverified(addresses.bundleSpiffe);
        return [faultOf(leaf, casOf(held), time.now()), faultOf(leaf, both, time.now())];
      };
      await expect.poll(faults, PATIENCE).toEqual(["of an unknown authority", undefined]);
    }

    time.pass(31 * DAY_MS);
    await expect.poll(states, PATIENCE).toEqual(["retired", "active"]);
    expect(await rows("select name from sealed_key")).toEqual([
      { name: expect.stringMatching(/^broker-ca-[0-9a-f]{16}$/) },
    ]);
    const told = await rows("select type from event where type like 'broker.ca-%' order by position");
    expect(told.map(({ type }) => type)).toEqual([
      "broker.ca-rollover-started",
      "broker.ca-activated",
      "broker.ca-retired",
    ]);
    for (const server of [...servers, await start()]) {
      await expect.poll(() => roots(server).length, PATIENCE).toBe(1);
      expect(roots(server)[0]?.fingerprint256).toBe(both[0]?.fingerprint256);
      const { leaf } = await pollUnverified(server.addresses.bundleSpiffe);
      expect(faultOf(leaf, roots(server), time.now())).toBeUndefined();
    }
  }, 60_000);
});
