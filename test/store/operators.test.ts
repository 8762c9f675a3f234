import { expect, it } from "vitest";
import { countTokensOf, issueToken, rotateToken } from "../../src/features/access/token.service.ts";
import { countPublishedBy } from "../../src/features/authorities/authority.service.ts";
import { allLivePollers, livePollers } from "../../src/features/bundles/publication.service.ts";
import { findMesh } from "../../src/features/meshes/mesh.store.ts";
import type { MeshId } from "../../src/features/meshes/mesh-id.ts";
import { endSuspension, suspendMesh } from "../../src/features/meshes/suspension.service.ts";
import { countPollersOf, createPoller, findPoller, rotatePoller } from "../../src/features/pollers/poller.service.ts";
import { MAX_FORMER_URLS } from "../../src/features/pollers/poller.ts";
import { parseText } from "../../src/text.ts";
import { DAY_MS } from "../../src/time.ts";
import { describeOnEachEngine } from "../support/databases.ts";
import { adminOf, NOON, operator, storeBroker } from "../support/store-broker.ts";

const shop = "shop" as MeshId;
const admin = adminOf(shop);
const name = parseText("control plane", "");

describeOnEachEngine("what operators and rotations need of the store is the same on both engines", (open) => {
  it("L6: a rotated poller has its former tokens until they end; so many later rotations keep what the clock may bring back", async () => {
    const broker = await storeBroker(await open());
    await broker.register("shop", "shop.example");
    const { poller } = await broker.run(admin, (work) => createPoller(work, shop, { name }));
    const { pollerId } = poller;
    expect(poller).toMatchObject({ formerUrlsUntil: null, rotatedAt: null });
    const [made] = await livePollers(broker.db, [pollerId]);
    await broker.run(admin, (work) => rotatePoller(work, shop, pollerId, 60));
    expect(await findPoller(broker.db, shop, pollerId)).toMatchObject({
      formerUrlsUntil: NOON + 60_000,
      rotatedAt: NOON,
    });
    const [once] = (await allLivePollers(broker.db).next()).value ?? [];
    expect(once?.former).toEqual([{ tokenHash: made?.tokenHash, endsAt: NOON + 60_000 }]);
    expect(once?.tokenHash).not.toBe(made?.tokenHash);
    for (let rotation = 2; rotation <= 2 * MAX_FORMER_URLS + 2; rotation++) {
      broker.time.pass(60_000);
      await broker.run(admin, (work) => rotatePoller(work, shop, pollerId, 60));
      const former = (await livePollers(broker.db, [pollerId]))[0]?.former ?? [];
      expect(Math.max(...former.map(({ endsAt }) => endsAt))).toBe(NOON + rotation * 60_000);
      expect(former.some(({ tokenHash }) => tokenHash === made?.tokenHash)).toBe(rotation <= 2 * MAX_FORMER_URLS + 1);
      expect(former.length).toBeLessThanOrEqual(2 * MAX_FORMER_URLS + 1);
    }
  });

  it("what a mesh has is counted alike: what has ended by the clock does not count", async () => {
    const broker = await storeBroker(await open());
    await broker.register("shop", "shop.example");
    const asked = { name, role: "mesh-admin", meshes: [shop], expiresInSeconds: 3_600 } as const;
    await broker.run(admin, async (work) => {
      const { token } = await issueToken(work, asked);
      await rotateToken(work, admin, token.tokenId, 60);
      await createPoller(work, shop, { name, expiresInSeconds: 60 });
    });
    const counts = () =>
      broker.run(operator, async (work) => [
        await countTokensOf(work, shop),
        await countPollersOf(work, shop),
        await countPublishedBy(work, shop),
      ]);
    expect(await counts()).toEqual([2, 1, 0]);
    broker.time.pass(60_000);
    expect(await counts()).toEqual([1, 0, 0]);
    broker.time.pass(DAY_MS);
    expect(await counts()).toEqual([0, 0, 0]);
  });

  it("a suspension is on the mesh with who, why and when; its end stays known until the next", async () => {
    const broker = await storeBroker(await open());
    await broker.register("shop", "shop.example");
    const reason = parseText("stolen", "");
    await broker.run(operator, (work) => suspendMesh(work, shop, reason));
    const suspension = { at: NOON, by: operator.id, reason };
    expect(await findMesh(broker.db, shop)).toMatchObject({ suspension, suspensionEndedAt: null });
    broker.time.pass(5);
    await broker.run(operator, (work) => endSuspension(work, shop));
    expect(await findMesh(broker.db, shop)).toMatchObject({ suspension: null, suspensionEndedAt: NOON + 5 });
  });
});
