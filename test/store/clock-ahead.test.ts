import { expect, it } from "vitest";
import { livePollers } from "../../src/features/bundles/publication.store.ts";
import { earlierAnswer, rememberAnswer } from "../../src/features/idempotency/idempotency.service.ts";
import { KEPT_ANSWERS } from "../../src/features/idempotency/idempotency.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { createPoller, rotatePoller } from "../../src/features/pollers/poller.service.ts";
import { MAX_FORMER_URLS } from "../../src/features/pollers/poller.ts";
import type { Work } from "../../src/store/unit-of-work.ts";
import { parseText } from "../../src/text.ts";
import { DAY_MS, SECOND_MS } from "../../src/time.ts";
import { describeOnEachEngine, type OpenDatabase } from "../support/databases.ts";
import { adminOf, NOON, storeBroker } from "../support/store-broker.ts";

const shop = parseMeshId("shop");
const DAY_SECONDS = DAY_MS / SECOND_MS;
const attempt = (key: string) => ({ credential: "tok_1", operation: "post", key, digest: "digest" });

async function brokerOfShop(open: OpenDatabase) {
  const broker = await storeBroker(await open());
  await broker.register(shop, "shop.example");
  const run = <T>(change: (work: Work) => Promise<T>) => broker.run(adminOf(shop), change);
  const { poller } = await run((work) => createPoller(work, shop, { name: parseText("p", "") }));
  return {
    ...broker,
    rotate: (overlapSeconds: number) => run((work) => rotatePoller(work, shop, poller.pollerId, overlapSeconds)),
    former: async () => (await livePollers(broker.db, [poller.pollerId]))[0]?.former ?? [],
    remember: (key: string) => run((work) => rememberAnswer(work, attempt(key), { status: 201, body: {} })),
    isRemembered: async (key: string) => (await run((work) => earlierAnswer(work, attempt(key)))) !== undefined,
    answers: async () => (await broker.db.selectFrom("idempotency").select("key").execute()).length,
    /** What `act` does while the clock is ahead. */
    async ahead(ms: number, act: () => Promise<unknown>) {
      const before = broker.time.clock();
      broker.time.setClock(before + ms);
      await act();
      broker.time.setClock(before);
    },
  };
}

describeOnEachEngine("a clock that was ahead for a moment (L6)", (open) => {
  it("takes no former URL of a poller that still serves, however many do", async () => {
    const { rotate, former, ahead } = await brokerOfShop(open);
    for (let count = 0; count < MAX_FORMER_URLS; count += 1) await rotate(DAY_SECONDS);
    const serving = await former();
    expect(serving).toHaveLength(MAX_FORMER_URLS);
    await ahead(10 * DAY_MS, async () => {
      for (let count = 0; count < MAX_FORMER_URLS; count += 1) await rotate(DAY_SECONDS);
    });
    expect(await former()).toEqual(expect.arrayContaining([...serving]));
  });

  it("former URLs that ended go all the same, so that they do not add up", async () => {
    const { rotate, former, time } = await brokerOfShop(open);
    for (let count = 0; count < 20; count += 1) {
      await rotate(1);
      time.pass(2 * SECOND_MS);
    }
    expect((await former()).length).toBeLessThanOrEqual(2 * MAX_FORMER_URLS + 1);
  });

  it("forgets no answer to an Idempotency-Key (L19)", async () => {
    const { remember, isRemembered, ahead } = await brokerOfShop(open);
    await remember("before");
    await ahead(10 * DAY_MS, () => remember("meanwhile"));
    expect(await isRemembered("before")).toBe(true);
  });

  it("answers that are too old go all the same but for the newest", async () => {
    const { db, remember, isRemembered, answers, time } = await brokerOfShop(open);
    const old = Array.from({ length: KEPT_ANSWERS + 50 }, (_, index) => ({
      ...attempt(`old-${index}`),
      status: 201,
      body: "{}",
      location: null,
      created_at: NOON + index,
    }));
    for (let from = 0; from < old.length; from += 100)
      await db
        .insertInto("idempotency")
        .values(old.slice(from, from + 100))
        .execute();
    await remember("young");
    expect(await answers()).toBe(old.length + 1);
    time.pass(2 * DAY_MS);
    await remember("new");
    expect([await answers(), await isRemembered("young"), await isRemembered("new")]).toEqual([
      KEPT_ANSWERS + 1,
      false,
      true,
    ]);
  });
});
