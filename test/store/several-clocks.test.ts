import { expect, it } from "vitest";
import { listEvents } from "../../src/features/audit/audit.store.ts";
import { registerAuthorities } from "../../src/features/authorities/authority.service.ts";
import { findAccess } from "../../src/features/bundles/bundle.store.ts";
import { giveConsent } from "../../src/features/federations/decide.service.ts";
import { propose } from "../../src/features/federations/propose.service.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { createPoller } from "../../src/features/pollers/poller.service.ts";
import { deadlineLook } from "../../src/server/deadline-keeper.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { newestEvent } from "../../src/store/event-log.ts";
import { parseText } from "../../src/text.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/time.ts";
import { describeOnEachEngine, type OpenDatabase } from "../support/databases.ts";
import { adminOf, NOON, seededRandomness, storeBroker, unitOfWorkOn } from "../support/store-broker.ts";
import { testCa } from "../support/test-ca.ts";

const bank = parseMeshId("bank");
const shop = parseMeshId("shop");
const shopDomain = parseTrustDomain("shop.example");
const END = NOON + HOUR_MS;

/** A database that servers share: time passes for all of them, and each has a clock of its own. */
async function sharedBroker(open: OpenDatabase) {
  const broker = await storeBroker(await open(), { isShared: true });
  const { db, run, time } = broker;
  await broker.register(shop, shopDomain);
  await broker.register(bank, "bank.example");
  const ca = testCa({ trustDomain: shopDomain, notBefore: NOON - DAY_MS, notAfter: NOON + 9 * DAY_MS });
  await run(adminOf(shop), (work) => registerAuthorities(work, shop, { pem: ca.certificatePem }, "active"));
  const asked = { proposer: bank, peer: shop, trust: undefined, expiresAt: END, reason: null };
  const { federationId } = await run(adminOf(bank), (work) => propose(work, adminOf(bank), asked));
  const consent = { meshId: shop, decision: "grant", termsDigest: null, reason: null } as const;
  await run(adminOf(shop), (work) => giveConsent(work, adminOf(shop), federationId, consent));
  let servers = 0;
  return {
    ...broker,
    /** A server that starts now, with a clock that is `offBy` from the right one. */
    async start(offBy = 0) {
      servers += 1;
      const clock = () => time.clock() + offBy;
      const unitOfWork = unitOfWorkOn(db, { isShared: true, clock, random: seededRandomness(`server ${servers}`) });
      const { monotonic } = time;
      const lastKnown = await newestEvent(db);
      return { unitOfWork, look: deadlineLook({ db, unitOfWork, clock, monotonic, lastKnown, isShared: true }) };
    },
    access: async () => (await findAccess(db, bank, shopDomain))?.state,
    count: async (type: string) => {
      const page = { order: "asc", after: 0, limit: 10_000 } as const;
      return (await listEvents(db, { all: true }, { subjects: [] }, page)).filter((event) => event.type === type)
        .length;
    },
  };
}

describeOnEachEngine("servers with a clock each (L6)", (open) => {
  it("what a clock that was ahead withdrew comes back at the next start, and its end is told again", async () => {
    const broker = await sharedBroker(open);
    await (await broker.start(2 * HOUR_MS)).look();
    expect(await broker.access()).toBe("withdrawn");
    const { look } = await broker.start();
    await look();
    expect(await broker.access()).toBe("granted");
    broker.time.pass(HOUR_MS);
    await look();
    expect([await broker.access(), await broker.count("federation.expired")]).toEqual(["withdrawn", 2]);
  });

  it("it comes back at the next start though somebody with the right time wrote in between", async () => {
    const broker = await sharedBroker(open);
    await (await broker.start(2 * HOUR_MS)).look();
    await broker.register("later", "later.example");
    await (await broker.start()).look();
    expect(await broker.access()).toBe("granted");
  });

  it("what a server withdrew that was killed comes back by one that lived beside it", async () => {
    const broker = await sharedBroker(open);
    const { look } = await broker.start();
    await look();
    await (await broker.start(2 * HOUR_MS)).look();
    await look();
    expect(await broker.access()).toBe("granted");
  });

  it("what expires by the right clock is told after a clock that was ahead", async () => {
    const broker = await sharedBroker(open);
    const { look } = await broker.start();
    await (await broker.start(2 * HOUR_MS)).look();
    await look();
    const guest = { name: parseText("guest", ""), expiresInSeconds: HOUR_MS / SECOND_MS };
    await broker.run(adminOf(shop), (work) => createPoller(work, shop, guest));
    broker.time.pass(HOUR_MS);
    await look();
    expect(await broker.count("poller.expired")).toBe(1);
  });

  it.each([2 * HOUR_MS, -2 * HOUR_MS])(
    "servers whose clocks are %d ms apart undo each other's work once in ten minutes, not at each look",
    async (offBy) => {
      const broker = await sharedBroker(open);
      if (offBy < 0) broker.time.pass(HOUR_MS);
      const looks = [(await broker.start()).look, (await broker.start(offBy)).look];
      const lookFor = async (ms: number) => {
        for (let passed = 0; passed < ms; passed += MINUTE_MS / 2) {
          for (const look of looks) await look();
          broker.time.pass(MINUTE_MS / 2);
        }
      };
      await lookFor(30 * MINUTE_MS);
      expect(await broker.count("clock.jumped")).toBeLessThanOrEqual(4);
      expect(await broker.count("federation.expired")).toBeLessThanOrEqual(4);
      expect(await broker.count("bundle-access.withdrawn")).toBeLessThanOrEqual(8);
      expect(await broker.access()).toBe("withdrawn");
    },
  );

  it("and once the one that is ahead is gone, the other restores within those ten minutes", async () => {
    const broker = await sharedBroker(open);
    const [right, ahead] = [await broker.start(), await broker.start(2 * HOUR_MS)];
    for (const { look } of [ahead, right, ahead, right]) await look();
    expect(await broker.access()).toBe("withdrawn");
    broker.time.pass(10 * MINUTE_MS);
    await right.look();
    expect(await broker.access()).toBe("granted");
  });

  it("servers within a second of each other undo nothing", async () => {
    const broker = await sharedBroker(open);
    const looks = [(await broker.start()).look, (await broker.start(-SECOND_MS)).look];
    broker.time.pass(HOUR_MS);
    for (const look of [...looks, ...looks]) await look();
    expect([await broker.access(), await broker.count("clock.jumped")]).toEqual(["withdrawn", 0]);
    expect(await broker.count("bundle-access.withdrawn")).toBe(2);
  });
});
