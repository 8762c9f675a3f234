import { sql } from "kysely";
import { expect, it } from "vitest";
import { listEvents } from "../../src/features/audit/audit.store.ts";
import { asSeenBy } from "../../src/features/audit/audit.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { createPoller, revokePoller, rotatePoller } from "../../src/features/pollers/poller.service.ts";
import { noteClients } from "../../src/features/pollers/poller-client.service.ts";
import { clientsOf, insertClient } from "../../src/features/pollers/poller-client.store.ts";
import { type ClientSeen, fingerprintOf } from "../../src/features/pollers/poller-client.ts";
import { migrate } from "../../src/store/migrate.ts";
import { parseText } from "../../src/text.ts";
import { toRfc3339 } from "../../src/time.ts";
import { describeOnEachEngine, migrateBefore, type OpenDatabase } from "../support/databases.ts";
import { adminOf, NOON, type StoreBroker, storeBroker } from "../support/store-broker.ts";

const STEP = "0015-poller-clients";
const shop = parseMeshId("shop");

/** A broker with mesh shop, and what makes its pollers and has clients poll with their URLs. */
async function polledBroker(open: OpenDatabase) {
  const broker = await storeBroker(await open());
  await broker.register("shop", "shop.example");
  const { db, unitOfWork } = broker;
  let units = 0;
  const counted: StoreBroker["unitOfWork"] = {
    run: (...change: [never, never]) => {
      units += 1;
      return unitOfWork.run(...change);
    },
  };
  return {
    ...broker,
    makePoller: async (name = "control plane") =>
      (await broker.run(adminOf(shop), (work) => createPoller(work, shop, { name: parseText(name, "") }))).poller
        .pollerId,
    note: (...seen: readonly ClientSeen[]) => noteClients(db, counted, seen),
    units: () => units,
    events: () =>
      listEvents(
        db,
        { all: true },
        { type: "poller.other-client-seen", subjects: [] },
        { order: "asc", after: 0, limit: 100 },
      ),
    known: async () => (await db.selectFrom("poller_client").selectAll().execute()).length,
  };
}

const client = (pollerId: string, products: string, more: Partial<ClientSeen> = {}): ClientSeen => ({
  pollerId,
  products,
  fingerprint: fingerprintOf(products, ""),
  source: "203.0.113.7",
  at: NOON,
  ...more,
});

describeOnEachEngine("S35: the clients that poll with a poller's URL", (open) => {
  it("are no news but for the second kind, which is an event about the poller and its mesh, with where it came from", async () => {
    const broker = await polledBroker(open);
    const pollerId = await broker.makePoller();
    await broker.note(client(pollerId, "Go-http-client"));
    expect(await broker.events()).toEqual([]);
    await broker.note(client(pollerId, "curl", { at: NOON + 1_000 }));
    const [event, ...more] = await broker.events();
    expect(more).toEqual([]);
    expect(event?.subjects).toEqual(["mesh/shop", `poller/${pollerId}`]);
    expect(event?.detail).toMatchObject({
      actor: { kind: "broker", id: "system" },
      actingMesh: null,
      fields: {
        name: "control plane",
        products: "curl",
        fingerprint: fingerprintOf("curl", ""),
        source: "203.0.113.7",
        seenAt: toRfc3339(NOON + 1_000),
        known: ["Go-http-client"],
        isLast: false,
      },
    });
    const mine = event && asSeenBy({ all: false, meshes: [shop] }, event);
    expect(mine?.detail).toMatchObject({ products: "curl", source: "203.0.113.7" });
    const others = { all: false, meshes: [parseMeshId("bank")] };
    expect(await listEvents(broker.db, others, { subjects: [] }, { order: "asc", after: 0, limit: 9 })).toEqual([]);
  });

  it("that are known cost no change, in whichever batch they come again", async () => {
    const broker = await polledBroker(open);
    const [one, two] = [await broker.makePoller(), await broker.makePoller("another")];
    await broker.note(client(one, "curl"), client(one, "curl"), client(two, "curl"), client(one, "wget"));
    expect([broker.units(), await broker.known(), (await broker.events()).length]).toEqual([1, 3, 1]);
    await broker.note(client(one, "wget"), client(two, "curl"), client(one, "curl"));
    expect([broker.units(), await broker.known(), (await broker.events()).length]).toEqual([1, 3, 1]);
  });

  it("are remembered to the eighth kind: the last event says so, and a ninth is none", async () => {
    const broker = await polledBroker(open);
    const pollerId = await broker.makePoller();
    const kinds = Array.from({ length: 12 }, (_, index) => client(pollerId, `client-${index}`, { at: NOON + index }));
    await broker.note(...kinds.slice(0, 7));
    await broker.note(...kinds.slice(5));
    const events = await broker.events();
    expect(events.map(({ detail }) => detail?.fields.products)).toEqual(kinds.slice(1, 8).map((kind) => kind.products));
    expect(events.map(({ detail }) => detail?.fields.isLast)).toEqual([false, false, false, false, false, false, true]);
    expect(events.at(-1)?.detail?.fields.known).toEqual(kinds.slice(0, 7).map((kind) => kind.products));
    const units = broker.units();
    await broker.note(...kinds);
    expect([broker.units(), await broker.known()]).toEqual([units, 8]);
  });

  it("stay known when the URL is rotated, and when it is revoked, and of a poller that is not there are nobody", async () => {
    const broker = await polledBroker(open);
    const pollerId = await broker.makePoller();
    await broker.note(client(pollerId, "curl"));
    await broker.run(adminOf(shop), (work) => rotatePoller(work, shop, pollerId, 60));
    await broker.note(client(pollerId, "curl"));
    expect(await broker.events()).toEqual([]);
    await broker.note(client(pollerId, "wget"));
    await broker.run(adminOf(shop), (work) => revokePoller(work, shop, pollerId));
    // Served before the end of the URL, written down after it.
    await broker.note(client(pollerId, "python"), client("pol_absent", "curl"));
    expect((await broker.events()).map(({ detail }) => detail?.fields.products)).toEqual(["wget", "python"]);
    expect(await broker.known()).toBe(3);
  });

  it("that several servers see at once are one event", async () => {
    const broker = await polledBroker(open);
    const pollerId = await broker.makePoller();
    await broker.note(client(pollerId, "curl"));
    await Promise.all([1, 2, 3].map(() => broker.note(client(pollerId, "wget"))));
    expect(await broker.events()).toHaveLength(1);
  });
});

describeOnEachEngine("S35: pollers of a database in which nobody had noted their clients", (open) => {
  it("have none until they poll", async () => {
    const empty = await open();
    const { db, engine } = empty;
    await migrateBefore(empty, STEP);
    await sql`insert into mesh (mesh_id, display_name, dialect, labels, listed, registered_at, updated_at)
      values ('shop', 'shop', 'other', '{}', 1, ${NOON}, ${NOON})`.execute(db);
    await sql`insert into poller (poller_id, mesh_id, name, replicas, token_hash, position, created_at)
      values ('pol_old', 'shop', 'istiod', 1, 'hash', 1, ${NOON})`.execute(db);
    expect(await migrate(db, engine)).toContain(STEP);
    expect(await clientsOf(db, ["pol_old"])).toEqual([]);
    const { source: _, ...first } = client("pol_old", "Go-http-client");
    expect([await insertClient(db, first), await insertClient(db, first)]).toEqual([true, false]);
    expect(await clientsOf(db, ["pol_old"])).toEqual([first]);
  });
});
