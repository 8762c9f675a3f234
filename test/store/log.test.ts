import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { listEvents } from "../../src/features/audit/audit.store.ts";
import { commitGroups } from "../../src/store/commit-groups.ts";
import type { Actor, EventActor, NewEvent } from "../../src/store/event.ts";
import { type FollowedEvent, latestSince, logSize, newestEvent } from "../../src/store/event-log.ts";
import { createFollower, type View } from "../../src/store/follower.ts";
import { describeOnEachEngine } from "../support/databases.ts";
import { type StoreBroker, storeBroker } from "../support/store-broker.ts";

const actor: Actor = { kind: "token", id: "tok_1", source: "127.0.0.1", requestId: "req_1" };
const about = (name: string): NewEvent => ({ type: "mesh.updated", subjects: [`mesh/${name}`], fields: { name } });
const record = (broker: StoreBroker, ...names: readonly string[]) =>
  broker.run(actor, async (work) => names.map((name) => work.record(about(name))));
const eventsOf = ({ db }: StoreBroker) =>
  listEvents(db, { all: true }, { subjects: [] }, { order: "asc", after: undefined, limit: 1_000 });

describeOnEachEngine("the event log", (open) => {
  it("its positions are dense and in the order of commits, however many write at once", async () => {
    const broker = await storeBroker(await open());
    const start = await logSize(broker.db);
    const names = Array.from({ length: 20 }, (_, index) => `mesh-${index}`);
    const positions = await Promise.all(names.map((name) => record(broker, name, `${name}-again`)));
    expect(positions.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => start + 1 + i));
    for (const [first, second] of positions) expect(second).toBe((first ?? 0) + 1);
    expect((await eventsOf(broker)).map(({ position }) => position)).toEqual(
      Array.from({ length: start + 40 }, (_, i) => i + 1),
    );
    expect(await logSize(broker.db)).toBe(start + 40);
  });

  it("what a change does outside the database is not undone by another that shares its commit and fails for all", async () => {
    const empty = await open();
    // Nothing takes any time: whoever waits is taken in.
    const groups = commitGroups(empty.db, { inFlight: 100, waitMs: 60_000, monotonic: () => 0 });
    const broker = await storeBroker(empty, { groups });
    const start = await logSize(broker.db);
    let isDone = false;
    const outside = broker.run(actor, async (work) => {
      work.beforeCommit(async () => {
        isDone = true;
      });
      work.record(about("outside"));
    });
    const failing = broker.run(actor, async () => {
      throw Object.assign(new Error("the connection is lost"), { code: "08006" });
    });
    const outcomes = await Promise.allSettled([outside, failing]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(isDone).toBe(true);
    expect(await logSize(broker.db)).toBe(start + 1);
  });

  it("a leaf is canonical JSON (RFC 8785) that commits to the stored bytes of its detail", async () => {
    const broker = await storeBroker(await open());
    await broker.run(actor, async (work) => {
      work.record({ ...about("shop"), subjects: ["trust-domain/shop.example", "mesh/shop", "mesh/shop"] });
    });
    const rows = await broker.db
      .selectFrom("event")
      .innerJoin("event_detail", "event_detail.position", "event.position")
      .select(["event.position", "event.type", "event.at", "leaf", "detail", "event_id", "actor"])
      .orderBy("event.position", "desc")
      .execute();
    for (const { leaf, detail } of rows) {
      expect(leaf).toBe(canonicalize(JSON.parse(leaf)));
      expect(detail).toBe(canonicalize(JSON.parse(detail)));
      const digest = createHash("sha256").update(detail).digest("hex");
      expect((JSON.parse(leaf) as { detailDigest: string }).detailDigest).toBe(digest);
    }
    const [newest] = rows;
    expect(JSON.parse(newest?.leaf ?? "")).toEqual({
      v: 1,
      position: newest?.position,
      type: "mesh.updated",
      at: new Date(broker.time.clock()).toISOString(),
      subjects: ["mesh/shop", "trust-domain/shop.example"],
      detailDigest: expect.any(String),
    });
    expect(newest).toMatchObject({ actor: "tok_1", type: "mesh.updated", at: broker.time.clock() });
    expect(JSON.parse(newest?.detail ?? "")).toMatchObject({ eventId: newest?.event_id, salt: expect.any(String) });
  });

  it("S69: equal facts have different digests, for each detail has a salt of its own", async () => {
    const broker = await storeBroker(await open());
    await record(broker, "shop", "shop");
    const [one, two] = (await eventsOf(broker)).slice(-2);
    expect(one?.detail?.fields).toEqual(two?.detail?.fields);
    expect(one?.detail?.salt).not.toBe(two?.detail?.salt);
  });

  it("S68: what happened cannot be changed or removed: events, their subjects and revisions are append-only", async () => {
    const broker = await storeBroker(await open());
    await broker.register("shop", "shop.example");
    await broker.db
      .insertInto("revision")
      .values({
        trust_domain: "shop.example",
        position: 1,
        sequence: 1,
        digest: "",
        refresh_hint_seconds: 300,
        last_modified_seconds: 0,
        fingerprints: "[]",
        bundle: "{}",
        at: 0,
        cause: "",
        actor: "",
        reason: null,
      })
      .execute();
    const { db } = broker;
    const before = await eventsOf(broker);
    const refused = "append-only";
    await expect(db.updateTable("event").set({ type: "forged" }).execute()).rejects.toThrow(refused);
    await expect(db.deleteFrom("event").where("position", "=", 1).execute()).rejects.toThrow(refused);
    await expect(db.updateTable("event_subject").set({ subject: "mesh/other" }).execute()).rejects.toThrow(refused);
    await expect(db.deleteFrom("event_subject").execute()).rejects.toThrow(refused);
    await expect(db.updateTable("revision").set({ digest: "forged" }).execute()).rejects.toThrow(refused);
    await expect(db.deleteFrom("revision").execute()).rejects.toThrow(refused);
    expect(await eventsOf(broker)).toEqual(before);
  });

  it("a detail can be erased, and the leaf stays", async () => {
    const broker = await storeBroker(await open());
    await record(broker, "shop");
    const before = (await eventsOf(broker)).at(-1);
    await broker.db
      .deleteFrom("event_detail")
      .where("position", "=", before?.position ?? 0)
      .execute();
    expect((await eventsOf(broker)).at(-1)).toEqual({ ...before, detail: null });
  });

  it("says where it ends, when, and what is the latest time since a position", async () => {
    const broker = await storeBroker(await open());
    const { position } = await newestEvent(broker.db);
    expect(await latestSince(broker.db, position)).toBeUndefined();
    const late = broker.time.clock() + 60_000;
    broker.time.setClock(late);
    await record(broker, "late");
    broker.time.setClock(late - 30_000);
    await record(broker, "early");
    expect(await newestEvent(broker.db)).toEqual({ position: position + 2, at: late - 30_000 });
    expect(await latestSince(broker.db, position)).toEqual({ position: position + 2, at: late });
  });
});

describeOnEachEngine("a unit of work", (open) => {
  const setHint = (broker: StoreBroker, fail: "never" | "before" | "after" | "settling") =>
    broker.run(actor, async (work) => {
      if (fail === "before") throw new Error("stopped");
      await work.tx.updateTable("trust_domain").set({ refresh_hint_seconds: 77 }).execute();
      work.record(about("shop"));
      if (fail === "after") throw new Error("stopped");
    });
  const stateOf = async (broker: StoreBroker) => ({
    size: await logSize(broker.db),
    hints: (await broker.db.selectFrom("trust_domain").select("refresh_hint_seconds").execute()).map(
      (row) => row.refresh_hint_seconds,
    ),
    events: await eventsOf(broker),
    subjects: await broker.db.selectFrom("event_subject").selectAll().orderBy("position").execute(),
  });

  it("S67: state and events commit together", async () => {
    const broker = await storeBroker(await open());
    const before = await stateOf(broker);
    await setHint(broker, "never");
    const after = await stateOf(broker);
    expect(after).toMatchObject({ size: before.size + 1, hints: [77] });
    expect(after.events).toHaveLength(before.events.length + 1);
  });

  it.each(["before", "after", "settling"] as const)(
    "S67: a throw %s the change leaves nothing of it, and the next one takes the same position",
    async (when) => {
      let armed = false;
      const broker = await storeBroker(await open(), {
        settle: async () => {
          if (armed) throw new Error("stopped");
        },
      });
      const before = await stateOf(broker);
      armed = when === "settling";
      await expect(setHint(broker, when)).rejects.toThrow("stopped");
      expect(await stateOf(broker)).toEqual(before);
      armed = false;
      expect(await record(broker, "next")).toEqual([before.size + 1]);
    },
  );

  it("S67: an event that cannot be stored takes the change with it", async () => {
    const broker = await storeBroker(await open());
    const before = await stateOf(broker);
    const eventId = before.events[0]?.detail?.eventId ?? "";
    await expect(
      broker.run(actor, async (work) => {
        await work.tx.updateTable("trust_domain").set({ refresh_hint_seconds: 77 }).execute();
        // Somebody else's event lies where this one would go.
        await work.tx
          .insertInto("event_detail")
          .values({ position: before.size + 1, event_id: `${eventId}x`, actor: null, acting_mesh: null, detail: "{}" })
          .execute();
        work.record(about("shop"));
      }),
    ).rejects.toThrow();
    expect(await stateOf(broker)).toEqual(before);
  });

  it.each(["bundle.revised", "bundle-access.withdrawn", "bundle-access.regranted"] as const)(
    "never begins with %s: the number before it stays free for what the clock changes first",
    async (type) => {
      const broker = await storeBroker(await open());
      const before = await logSize(broker.db);
      const begun = broker.run(actor, async (work) => void work.record({ type, subjects: [] }));
      await expect(begun).rejects.toThrow("a unit of work began with");
      expect(await logSize(broker.db)).toBe(before);
      const second = broker.run(actor, async (work) => {
        work.record(about("shop"));
        return work.record({ type, subjects: [] });
      });
      expect(await second).toBe(before + 2);
    },
  );

  it("S21: no token acts for a mesh that it does not administer: what would say so is not recorded", async () => {
    const broker = await storeBroker(await open());
    const admin: Actor = { ...actor, adminOf: ["bank"] };
    const code: EventActor = { ...actor, kind: "federation-code" };
    const acting = (by: Actor, more: Partial<NewEvent> = {}) =>
      broker.run(by, async (work) => work.record({ ...about("shop"), actingMesh: "shop", ...more }));
    for (const by of [actor, admin]) await expect(acting(by)).rejects.toThrow("does not administer it");
    await acting({ ...actor, adminOf: ["bank", "shop"] });
    await acting(actor, { outcome: "refused" });
    await acting(admin, { actor: code });
    for (const kind of ["invitation", "broker"] as const) await acting({ ...actor, kind });
  });

  it("those that run at once go one after the other: no update is lost", async () => {
    const broker = await storeBroker(await open());
    const increment = () =>
      broker.run(actor, async (work) => {
        const { refresh_hint_seconds: hint } = await work.tx
          .selectFrom("trust_domain")
          .select("refresh_hint_seconds")
          .executeTakeFirstOrThrow();
        await new Promise((resolve) => setImmediate(resolve));
        await work.tx
          .updateTable("trust_domain")
          .set({ refresh_hint_seconds: hint + 1 })
          .execute();
        work.record(about(`mesh-${hint}`));
      });
    await Promise.all(Array.from({ length: 15 }, increment));
    expect((await stateOf(broker)).hints).toEqual([315]);
  });

  it("answers after its commit was announced; one without events announces nothing", async () => {
    const announced: number[] = [];
    const broker = await storeBroker(await open(), { committed: async (position) => void announced.push(position) });
    announced.length = 0;
    await broker.run(actor, async () => "nothing");
    expect(announced).toEqual([]);
    const positions = await record(broker, "shop", "bank");
    expect(announced).toEqual(positions.slice(-1));
  });
});

/** The simplest view: how often each subject was named, from the log and from the store. */
function countingView() {
  const counts: Record<string, number> = {};
  const add = (events: readonly FollowedEvent[]) => {
    for (const subject of events.flatMap(({ subjects }) => subjects)) counts[subject] = (counts[subject] ?? 0) + 1;
  };
  const view: View = {
    async read(_db, events) {
      return async () => add(events);
    },
  };
  return { view, counts: () => counts };
}

const NEVER = 3_600_000;
const unexpected = (error: unknown): never => {
  throw error;
};

describeOnEachEngine("the follower", (open) => {
  it("following step by step equals following all at once, whatever is committed in whatever portions", async () => {
    const broker = await storeBroker(await open());
    const stepwise = countingView();
    const follower = createFollower({ db: broker.db, views: [stepwise.view], everyMs: NEVER, onError: unexpected });
    follower.start(0);
    const portions = fc.array(fc.array(fc.constantFrom("shop", "bank", "mill"), { minLength: 1, maxLength: 5 }));
    await fc.assert(
      fc.asyncProperty(portions, async (all) => {
        for (const names of all) await record(broker, ...names);
        expect(await follower.passed(await logSize(broker.db), 5_000)).toBe(true);
        const atOnce = countingView();
        const other = createFollower({ db: broker.db, views: [atOnce.view], everyMs: NEVER, onError: unexpected });
        other.start(0);
        expect(await other.passed(await logSize(broker.db), 5_000)).toBe(true);
        await other.stop();
        expect(stepwise.counts()).toEqual(atOnce.counts());
        expect(follower.position).toBe(other.position);
      }),
      { numRuns: 10 },
    );
    await follower.stop();
  });

  it("lets go whoever waits for a position when every view has passed it, and no sooner", async () => {
    const broker = await storeBroker(await open());
    const applied: string[] = [];
    const { promise: gate, resolve: release } = Promise.withResolvers<void>();
    const quick: View = { read: async () => async () => void applied.push("quick") };
    const slow: View = { read: async () => () => gate.then(() => void applied.push("slow")) };
    const position = await logSize(broker.db);
    const follower = createFollower({ db: broker.db, views: [quick, slow], everyMs: NEVER, onError: unexpected });
    follower.start(position);
    const [committed = 0] = await record(broker, "shop");
    const passed = follower.passed(committed, 5_000);
    await vi.waitFor(() => expect(applied).toEqual(["quick"]));
    expect(follower.position).toBe(position);
    release();
    expect(await passed).toBe(true);
    expect(applied).toEqual(["quick", "slow"]);
    expect(follower.position).toBe(committed);
    await follower.stop();
  });

  it("waits so long and no longer for what does not come", async () => {
    const broker = await storeBroker(await open());
    const follower = createFollower({ db: broker.db, views: [], everyMs: NEVER, onError: unexpected });
    follower.start(await logSize(broker.db));
    expect(await follower.passed(follower.position + 1, 30)).toBe(false);
    await follower.stop();
  });

  it("tries again after a view or the store failed, and misses nothing", async () => {
    const broker = await storeBroker(await open());
    const counting = countingView();
    const errors: unknown[] = [];
    let failures = 2;
    const flaky: View = {
      async read(db, events, upTo) {
        if (failures-- > 0) throw new Error("not now");
        return counting.view.read(db, events, upTo);
      },
    };
    const onError = (error: unknown) => void errors.push(error);
    const follower = createFollower({ db: broker.db, views: [flaky], everyMs: 5, onError });
    follower.start(await logSize(broker.db));
    const [committed = 0] = await record(broker, "shop");
    expect(await follower.passed(committed, 5_000)).toBe(true);
    expect(errors).toHaveLength(2);
    expect(counting.counts()).toEqual({ "mesh/shop": 1 });
    await follower.stop();
  });

  it("sees by itself what another process commits", async () => {
    const broker = await storeBroker(await open());
    const counting = countingView();
    const follower = createFollower({ db: broker.db, views: [counting.view], everyMs: 5, onError: unexpected });
    follower.start(await logSize(broker.db));
    await record(broker, "shop");
    await vi.waitFor(() => expect(counting.counts()).toEqual({ "mesh/shop": 1 }));
    await follower.stop();
  });
});
