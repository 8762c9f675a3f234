import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { contribute } from "../../../src/features/authorities/authority.service.ts";
import { readBrokerCas, startRollover, takeDueStep } from "../../../src/features/broker-ca/broker-ca.service.ts";
import { pemOfCas } from "../../../src/features/broker-ca/broker-ca.ts";
import { certificateFile, openBrokerAuthority } from "../../../src/identity/broker-authority.ts";
import { fileKeyStore } from "../../../src/identity/key-store.ts";
import { x509Authority } from "../../../src/pki/authority-profile.ts";
import { systemRandomness } from "../../../src/randomness.ts";
import { prepareIdentity } from "../../../src/server/first-start.ts";
import { StartRefusal } from "../../../src/start-refusal.ts";
import { clockActor } from "../../../src/store/event.ts";
import { RollBack } from "../../../src/store/unit-of-work.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/time.ts";
import { describeOnEachEngine, type EmptyDatabase } from "../../support/databases.ts";
import { eventualRefusalOf } from "../../support/refusal-of.ts";
import { BROKER_DOMAIN, operator, storeBroker } from "../../support/store-broker.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const WAIT_MS = 25 * MINUTE_MS;
const SPENT_MS = 30 * DAY_MS + HOUR_MS;
const source = { kind: "broker", id: BROKER_DOMAIN } as const;

/** A broker after its first start, whose keys lie in files. */
async function started(empty: EmptyDatabase) {
  const store = await storeBroker(empty);
  const folder = temporaryFolder();
  const stores = {
    certificates: certificateFile(join(folder, "broker-ca.pem")),
    keys: fileKeyStore(join(folder, "keys")),
  };
  const broker = { trustDomain: BROKER_DOMAIN, identity: async () => stores };
  await prepareIdentity({ ...broker, unitOfWork: store.unitOfWork, refreshHintSeconds: 300 });
  store.time.pass(MINUTE_MS);
  return {
    ...store,
    stores,
    broker,
    keys: () => readdirSync(join(folder, "keys")).sort(),
    removeKey: (name: string) => rmSync(join(folder, "keys", name)),
    issuing: () => readFileSync(join(folder, "broker-ca.pem"), "utf8"),
    start: () => store.run(operator, (work) => startRollover(work, broker, "a drill")),
    look: () => store.run(clockActor, (work) => takeDueStep(work, broker)),
    states: async () => (await readBrokerCas(store.db, BROKER_DOMAIN)).cas.map(({ state }) => state),
    steps: async () => {
      const rows = await store.db.selectFrom("event").select("type").orderBy("position").execute();
      return rows.map(({ type }) => type.replace("broker.ca-", "")).slice(1);
    },
  };
}

describeOnEachEngine("a roll-over of the broker's CA", (open) => {
  it("publishes, lets issue and retires, each when it is due, and republishes only what changes the bundle", async () => {
    const ca = await started(await open());
    const [first] = (await readBrokerCas(ca.db, BROKER_DOMAIN)).cas;
    await ca.start();
    expect(await ca.states()).toEqual(["prepared", "active"]);
    expect(ca.keys()).toHaveLength(2);
    const both = pemOfCas(await readBrokerCas(ca.db, BROKER_DOMAIN));
    expect(both.startsWith(ca.issuing()), "newest first").toBe(false);
    expect(both.endsWith(ca.issuing())).toBe(true);

    ca.time.pass(WAIT_MS - 1);
    await ca.look();
    expect(await ca.states()).toEqual(["prepared", "active"]);
    ca.time.pass(1);
    await ca.look();
    expect(await ca.states()).toEqual(["active", "retiring"]);
    expect(both.startsWith(ca.issuing())).toBe(true);

    ca.time.pass(SPENT_MS);
    await ca.look();
    expect(await ca.states()).toEqual(["active"]);
    expect(ca.keys()).toEqual([expect.stringMatching(/^broker-ca-[0-9a-f]{16}\.pem$/)]);
    expect(await ca.steps()).toEqual([
      "authority.contributed",
      "bundle.revised",
      "rollover-started",
      "bundle.revised",
      "activated",
      "retired",
      "bundle.revised",
    ]);

    // And another one after it.
    await ca.start();
    ca.time.pass(WAIT_MS);
    await ca.look();
    ca.time.pass(SPENT_MS);
    await ca.look();
    expect(await ca.states()).toEqual(["active"]);
    expect(ca.keys()).toHaveLength(1);
    expect((await readBrokerCas(ca.db, BROKER_DOMAIN)).cas[0]?.authority.fingerprint).not.toBe(
      first?.authority.fingerprint,
    );
  });

  it("is begun once, and each step is taken once, by whoever looks at the same time", async () => {
    const ca = await started(await open());
    await Promise.allSettled([ca.start(), ca.start()]);
    expect((await eventualRefusalOf(ca.start)).code).toBe("ca-rollover-under-way");
    ca.time.pass(WAIT_MS);
    await Promise.all([ca.look(), ca.look()]);
    ca.time.pass(SPENT_MS);
    await Promise.all([ca.look(), ca.look()]);
    const told = (await ca.steps()).filter((type) => !type.includes("."));
    expect(told).toEqual(["rollover-started", "activated", "retired"]);
  });

  it("that is only tried leaves no key", async () => {
    const ca = await started(await open());
    const before = ca.keys();
    await ca.unitOfWork.run(
      operator,
      (work) => startRollover(work, ca.broker, null),
      async () => {
        throw new RollBack(undefined);
      },
    );
    expect(ca.keys()).toEqual(before);
    expect(await ca.states()).toEqual(["active"]);
  });

  it("whose new key is lost before it issued anything ends there, and another can begin", async () => {
    const ca = await started(await open());
    await ca.start();
    const issuing = ca.issuing();
    const [made = ""] = ca.keys().filter((name) => name !== "broker-ca.pem");
    ca.removeKey(made);
    ca.time.pass(WAIT_MS);
    await ca.look();
    expect(await ca.states()).toEqual(["active"]);
    expect(ca.issuing()).toBe(issuing);
    expect((await ca.steps()).at(-2)).toBe("retired");
    await ca.start();
    expect(await ca.states()).toEqual(["prepared", "active"]);
  });

  it("leaves no way back: a start with the certificate and the key of the CA that it replaced is refused", async () => {
    const ca = await started(await open());
    const { unitOfWork, stores, broker } = ca;
    const startAgain = () => prepareIdentity({ ...broker, unitOfWork, refreshHintSeconds: 300 });
    const backup = ca.issuing();
    await ca.start();
    ca.time.pass(WAIT_MS);
    await ca.look();
    const newest = ca.issuing();
    await stores.certificates.save(backup);
    await expect(startAgain()).rejects.toThrow(StartRefusal);
    await expect(startAgain()).rejects.toThrow(
      /broker-ca\.pem is of a CA that a roll-over replaced; restore the newest/,
    );
    rmSync(stores.certificates.place);
    expect((await startAgain()).authority.certificatePem).toBe(newest);
    expect(ca.issuing()).toBe(newest);
  });

  it("names the new CA's key where that is lost, though the key of the CA that it replaced is there", async () => {
    const ca = await started(await open());
    await ca.start();
    ca.time.pass(WAIT_MS);
    await ca.look();
    const [made = ""] = ca.keys().filter((name) => name !== "broker-ca.pem");
    ca.removeKey(made);
    const { unitOfWork, broker } = ca;
    const startAgain = () => prepareIdentity({ ...broker, unitOfWork, refreshHintSeconds: 300 });
    await expect(startAgain()).rejects.toThrow(StartRefusal);
    const name = made.replace(/\.pem$/, "");
    await expect(startAgain()).rejects.toThrow(`is missing; restore ${name}, or remove `);
    rmSync(ca.stores.certificates.place);
    const { certificate } = (await startAgain()).authority;
    const replaced = (await readBrokerCas(ca.db, BROKER_DOMAIN)).cas.find(({ state }) => state === "retiring");
    expect(certificate.publicKey.fingerprint, "by the newest key that is there").toBe(
      replaced?.authority.keyFingerprint,
    );
  });

  it("retires every CA that issued before, and removes a key with the last of those that have it", async () => {
    const ca = await started(await open());
    const { stores, time } = ca;
    // The certificate was lost once and issued anew for the same key.
    await ca.run(clockActor, async (work) => {
      rmSync(stores.certificates.place);
      const again = await openBrokerAuthority({
        ...stores,
        trustDomain: BROKER_DOMAIN,
        now: work.now + 1,
        random: systemRandomness,
      });
      const { authority } = x509Authority(again.certificate.der, BROKER_DOMAIN, work.now);
      await contribute(work, { source, trustDomain: BROKER_DOMAIN, authority, state: "active" });
    });
    await ca.start();
    time.pass(WAIT_MS);
    await ca.look();
    expect((await ca.states()).sort()).toEqual(["active", "retiring", "retiring"]);
    time.pass(SPENT_MS);
    await ca.look();
    expect((await ca.states()).sort()).toEqual(["active", "retiring"]);
    expect(ca.keys()).toContain("broker-ca.pem");
    await ca.look();
    expect(await ca.states()).toEqual(["active"]);
    expect(ca.keys()).not.toContain("broker-ca.pem");
  });
});
