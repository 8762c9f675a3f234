import { readdirSync, readFileSync, rmSync } from "node:fs";
import { Agent } from "node:https";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/time.ts";
import { eventually } from "../federation/federation-fixture.ts";
import { type PassingTime, passingTime } from "../support/passing-time.ts";
import { ON_SQLITE } from "../support/postgres-server.ts";
import { type ApiAnswer, exchange, expectStatus, runBroker, type TestBroker } from "../support/running-broker.ts";
import { type BrokerBundle, casOf, casOfPem, faultOf, followBundle, pollUnverified } from "./bundle-followers.ts";

const HINT_MS = 5 * MINUTE_MS;

async function running(env: Record<string, string> = {}): Promise<{ broker: TestBroker; time: PassingTime }> {
  const time = passingTime();
  const unlimited = { ENTENTE_LIMITS_POLLS_PER_SECOND: "100000", ENTENTE_LIMITS_POLL_BURST: "100000" };
  const broker = await runBroker({ ...ON_SQLITE, ...unlimited, ...env }, undefined, undefined, time.surroundings);
  onTestFinished(() => broker.remove());
  return { broker, time };
}

/** The admin API, whose certificate is of the broker's time: this machine's own knows nothing of it. */
async function asOperator(broker: TestBroker, method: string, path: string, body?: unknown): Promise<ApiAnswer> {
  const agent = new Agent({ rejectUnauthorized: false });
  const call = { token: broker.operatorToken, ...(body === undefined ? {} : { body }) };
  return exchange(new URL(path, broker.addresses.admin), method, agent, call);
}

const roll = (broker: TestBroker) => asOperator(broker, "POST", "/v1/broker/ca-rollovers", { reason: "a drill" });
const readBroker = async (broker: TestBroker) =>
  (await expectStatus(200, asOperator(broker, "GET", "/v1/broker"))).body;
const states = async (broker: TestBroker): Promise<string[]> =>
  (await readBroker(broker)).certificateAuthorities.map(({ state }: { state: string }) => state);
const reached = (broker: TestBroker, ...wanted: string[]) =>
  eventually(
    () => states(broker),
    (found) => found.join() === wanted.join(),
  );
const eventTypes = async (broker: TestBroker): Promise<string[]> => {
  const { events } = (await expectStatus(200, asOperator(broker, "GET", "/v1/audit-events?limit=1000"))).body;
  return events
    .map(({ type }: { type: string }) => type)
    .filter((type: string) => type.startsWith("broker.ca-"))
    .sort();
};

const bundleNow = async (broker: TestBroker): Promise<BrokerBundle> =>
  (await pollUnverified(broker.addresses.bundleSpiffe)).bundle;
/** What stands against what each listener of bundles presents now, for who holds this bundle; nothing twice for all well. */
const faultsFor = async (held: BrokerBundle, broker: TestBroker, now: number) => {
  const urls = [broker.addresses.bundleSpiffe, broker.addresses.bundleWeb];
  return Promise.all(urls.map(async (url) => faultOf((await pollUnverified(url)).leaf, casOf(held), now)));
};
const NONE = [undefined, undefined];
const issuedByNewest = async (broker: TestBroker, bundle: BrokerBundle): Promise<boolean> => {
  const [newest] = (await readBroker(broker)).certificateAuthorities;
  const ca = casOf(bundle).find(({ fingerprint256 }) => plain(fingerprint256) === newest.fingerprint);
  const urls = [broker.addresses.bundleSpiffe, broker.addresses.bundleWeb];
  const leaves = await Promise.all(urls.map(async (url) => (await pollUnverified(url)).leaf));
  return ca !== undefined && leaves.every((leaf) => leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
};
const plain = (fingerprint: string): string => fingerprint.replaceAll(":", "").toLowerCase();
const adminCas = (broker: TestBroker) =>
  casOfPem(readFileSync(join(broker.dataFolder, "admin-ca.pem"), "utf8")).map(({ fingerprint256 }) =>
    plain(fingerprint256),
  );

it("the SVID is renewed and the whole CA rolled over under constant polls in both profiles, and no poll fails", async () => {
  const { broker, time } = await running({ ENTENTE_SVID_TTL_SECONDS: String(30 * 24 * 3_600) });
  const followers = followBundle(broker, time.now);
  const before = await bundleNow(broker);

  await time.noticed();
  for (const _ of [1, 2]) {
    time.pass(8 * DAY_MS);
    await time.noticed();
  }
  expect(followers.seen.serials.spiffe.size, "the SVID is renewed at half of its life").toBeGreaterThan(1);

  const held = [await bundleNow(broker)];
  await expectStatus(200, roll(broker));
  await reached(broker, "prepared", "active");
  const [fresh, old] = (await readBroker(broker)).certificateAuthorities;
  await eventually(
    async () => adminCas(broker),
    (cas) => cas.join() === [fresh.fingerprint, old.fingerprint].join(),
  );
  expect(await faultsFor(held[0] as BrokerBundle, broker, time.now())).toEqual(NONE);

  for (const _ of [1, 2, 3, 4]) {
    time.pass(HINT_MS);
    await time.noticed();
  }
  expect(await states(broker), "after four refresh hints").toEqual(["prepared", "active"]);
  held.push(await bundleNow(broker));
  time.pass(HINT_MS);
  await reached(broker, "active", "retiring");
  await eventually(
    () => issuedByNewest(broker, held[1] as BrokerBundle),
    (done) => done,
  );
  expect(await faultsFor(held[1] as BrokerBundle, broker, time.now())).toEqual(NONE);
  // Who would not have been waited for: the negative control of this very test.
  expect(await faultsFor(before, broker, time.now())).toEqual(Array(2).fill("of an unknown authority"));

  for (const _ of [1, 2, 3, 4, 5]) {
    time.pass(6 * DAY_MS);
    await time.noticed();
  }
  expect(await states(broker), "while what the old one issued could be valid").toEqual(["active", "retiring"]);
  held.push(await bundleNow(broker));
  time.pass(HOUR_MS);
  await reached(broker, "active");
  await eventually(
    async () => (await bundleNow(broker)).keys.length,
    (keys) => keys === 1,
  );
  expect(await faultsFor(held[2] as BrokerBundle, broker, time.now())).toEqual(NONE);

  const { failures, polls, published } = await followers.stop();
  expect(failures).toEqual([]);
  expect(polls).toBeGreaterThan(100);
  expect(published).toHaveLength(3);
  const [, both] = published;
  expect(both?.cas.split(" ")).toHaveLength(2);
  expect((both?.until ?? 0) - (both?.from ?? 0)).toBeGreaterThanOrEqual(5 * HINT_MS);
  expect(await eventTypes(broker)).toEqual(["broker.ca-activated", "broker.ca-retired", "broker.ca-rollover-started"]);
}, 120_000);

const keysOf = (broker: TestBroker) => readdirSync(join(broker.dataFolder, "keys"));

it("a restart goes on where it was; in the end the old key is gone, and the new CA is found without its certificate file", async () => {
  const { broker, time } = await running();
  expect(keysOf(broker)).toEqual(["broker-ca.pem"]);
  await expectStatus(200, roll(broker));
  const [fresh] = (await readBroker(broker)).certificateAuthorities;
  expect(keysOf(broker)).toHaveLength(2);

  time.pass(2 * HINT_MS);
  const second = await broker.restart();
  onTestFinished(() => second.close());
  await time.noticed();
  expect(await states(second)).toEqual(["prepared", "active"]);
  time.pass(3 * HINT_MS);
  await reached(second, "active", "retiring");
  time.pass(31 * DAY_MS);
  await reached(second, "active");
  expect(keysOf(second)).toEqual([expect.stringMatching(/^broker-ca-[0-9a-f]{16}\.pem$/)]);

  rmSync(join(second.dataFolder, "broker-ca.pem"));
  const third = await second.restart();
  onTestFinished(() => third.close());
  expect(await readBroker(third)).toMatchObject({
    certificateAuthorities: [{ fingerprint: fresh.fingerprint, state: "active" }],
    nextStep: { step: "start", fingerprint: null },
  });
  expect(await faultsFor(await bundleNow(third), third, time.now())).toEqual(NONE);
  expect(readFileSync(join(third.dataFolder, "broker-ca.pem"), "utf8")).toBe(
    readFileSync(join(third.dataFolder, "admin-ca.pem"), "utf8"),
  );
}, 60_000);

it("L6: a clock that was set ahead makes no step due before five refresh hints have really passed", async () => {
  const { broker, time } = await running();
  await expectStatus(200, roll(broker));
  await time.noticed();
  time.set(DAY_MS);
  await time.noticed();
  expect(await states(broker)).toEqual(["prepared", "active"]);
  time.pass(5 * HINT_MS - MINUTE_MS);
  await time.noticed();
  expect(await states(broker)).toEqual(["prepared", "active"]);
  time.pass(MINUTE_MS);
  await reached(broker, "active", "retiring");
}, 60_000);

it("a CA with less than a third of its life left is replaced by the broker itself", async () => {
  const { broker, time } = await running();
  const { nextStep } = await readBroker(broker);
  time.pass(Date.parse(nextStep.at) - time.now() - MINUTE_MS);
  await time.noticed();
  const published = async () => (await bundleNow(broker)).keys.length;
  expect(await published()).toBe(1);
  time.pass(2 * MINUTE_MS);
  await eventually(published, (keys) => keys === 2);
}, 60_000);

it("a second roll-over is refused while one is under way, and a dry run shows what would be published and leaves nothing", async () => {
  const { broker } = await running();
  const path = "/v1/broker/ca-rollovers";
  const dry = await expectStatus(200, asOperator(broker, "POST", `${path}?dryRun=true`, {}));
  const [prepared] = dry.body.answer.certificateAuthorities;
  expect(dry.body.revisions).toMatchObject([{ trustDomain: "broker.example", added: [prepared.fingerprint] }]);
  expect(keysOf(broker)).toEqual(["broker-ca.pem"]);
  expect(await states(broker)).toEqual(["active"]);
  expect(await eventTypes(broker)).toEqual([]);

  await expectStatus(200, roll(broker));
  const refused = await expectStatus(409, roll(broker));
  expect(refused.body.code).toBe("ca-rollover-under-way");
  expect(keysOf(broker)).toHaveLength(2);
}, 60_000);
