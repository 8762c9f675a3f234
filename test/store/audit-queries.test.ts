import fc from "fast-check";
import { expect, it } from "vitest";
import type { Scope } from "../../src/features/access/role.ts";
import { type EventFilter, type EventPage, listEvents, seenAmong } from "../../src/features/audit/audit.store.ts";
import { asSeenBy } from "../../src/features/audit/audit.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { systemRandomness } from "../../src/randomness.ts";
import { type EventType, type SealedEvent, type Subject, sealEvent } from "../../src/store/event.ts";
import { appendEvents } from "../../src/store/event-log.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Database } from "../../src/store/tables.ts";
import { describeOnEachEngine, migrateBefore } from "../support/databases.ts";
import { NOON } from "../support/store-broker.ts";

const MESHES = ["bank", "shop", "tools"];
const TYPES: readonly EventType[] = ["mesh.updated", "bundle.revised", "token.created"];
const ACTORS = ["tok_1", "tok_2", "clock"];
/** So far apart that a few hundred events lie in several of the spans of which the times are kept. */
const STEP = 13;

const pick = <T>(all: readonly T[], index: number): T => all[index % all.length] as T;

/** The clock of these events goes forth and back, by seconds and by days. */
const events: readonly SealedEvent[] = [...Array(300).keys()].map((index) => {
  const meshes = MESHES.filter((_, mesh) => (index * 7 + mesh * 5) % 4 < 2);
  const subjects: Subject[] = [
    ...meshes.map((id): Subject => `mesh/${id}`),
    `trust-domain/${pick(MESHES, index)}.example`,
  ];
  const actingMesh = index % 5 === 0 ? undefined : pick(MESHES, index * 11);
  const made = {
    position: (index + 1) * STEP,
    at: NOON + index * 1_000 - (index % 17 === 0 ? 50_000 : 0) + (index > 100 && index < 140 ? 90_000_000 : 0),
    actor: { kind: "token", id: pick(ACTORS, index * 3 + 1), source: null, requestId: null },
    eventId: `evt_${index}`,
    random: systemRandomness,
  } as const;
  const audience: Subject[] = index % 3 === 0 ? [`mesh/${pick(MESHES, index * 13)}`] : [];
  const fields = index % 2 === 0 ? {} : { meshId: pick(MESHES, index * 3), reason: '"meshId":"tools"' };
  const acted = actingMesh ? { actingMesh } : {};
  return sealEvent({ type: pick(TYPES, index * 5), subjects, audience, fields, ...acted }, made);
});

const aTime = fc.constantFrom(...[-1, 0, 40, 99.5, 150, 299, 300, 90_100].map((seconds) => NOON + seconds * 1_000));
const aSubject = fc.constantFrom<Subject>("mesh/bank", "mesh/shop", "mesh/absent", "trust-domain/shop.example");
const aFilter = fc.record(
  {
    subjects: fc.uniqueArray(aSubject, { maxLength: 2 }),
    actor: fc.constantFrom(...ACTORS),
    type: fc.constantFrom<string>(...TYPES, "mesh.deleted"),
    from: aTime,
    to: aTime,
  },
  { requiredKeys: ["subjects"] },
);
const aScope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant({ all: true } as const),
  fc.subarray(MESHES).map((ids) => ({ all: false, meshes: ids.map((id) => parseMeshId(id)) }) as const),
);
const aPage = fc.record({
  order: fc.constantFrom("asc", "desc"),
  after: fc.constantFrom(undefined, 0, 12, 13, 1_000, 1_300, 2_000, 9_999),
  limit: fc.constantFrom(1, 7, 1_000),
});

/** One event after the other, in the words of the API. */
function expected(scope: Scope, filter: EventFilter, { order, after, limit }: EventPage): number[] {
  const mine: readonly string[] = scope.all ? [] : scope.meshes.map((id) => `mesh/${id}`);
  const others = filter.subjects.some((subject) => subject.startsWith("mesh/") && !mine.includes(subject));
  const found = events.filter((event) => {
    const { position, type, at, subjects, audience, detail } = event;
    if (after !== undefined && (order === "asc" ? position <= after : position >= after)) return false;
    // Who is in the audience is found by its own people, and by whoever sees all.
    const findable = [...subjects, ...audience.filter((subject) => scope.all || mine.includes(subject))];
    if (!filter.subjects.every((subject) => findable.includes(subject))) return false;
    if (filter.type !== undefined && type !== filter.type) return false;
    if (filter.actor !== undefined && detail.actor.id !== filter.actor) return false;
    if (at < (filter.from ?? 0) || at >= (filter.to ?? Number.POSITIVE_INFINITY)) return false;
    if (scope.all) return true;
    if (filter.actor !== undefined && asSeenBy(scope, event).actor === null) return false;
    if (others && type.startsWith("token.")) return false;
    return findable.some((subject) => mine.includes(subject));
  });
  const positions = found.map(({ position }) => position);
  return (order === "asc" ? positions : positions.reverse()).slice(0, limit);
}

async function holds(db: Database): Promise<void> {
  await fc.assert(
    fc.asyncProperty(aScope, aFilter, aPage, async (scope, asked, page) => {
      const filter = asked as EventFilter;
      const found = await listEvents(db, scope, filter, page as EventPage);
      expect(found.map(({ position }) => position)).toEqual(expected(scope, filter, page as EventPage));
    }),
    { numRuns: 300 },
  );
  const positions = events.map(({ position }) => position);
  await fc.assert(
    fc.asyncProperty(aScope, async (scope) => {
      const seen = [...(await seenAmong(db, scope, positions))].sort((a, b) => a - b);
      expect(seen).toEqual(expected(scope, { subjects: [] }, { order: "asc", after: undefined, limit: 1_000 }));
    }),
    { numRuns: 20 },
  );
}

describeOnEachEngine("the audit trail's questions", (open) => {
  it("are answered as by looking at one event after the other, whatever clocks did", async () => {
    const { db, engine } = await open();
    await migrate(db, engine);
    for (let index = 0; index < events.length; index += 7)
      await db.transaction().execute((tx) => appendEvents(tx, events.slice(index, index + 7)));
    await holds(db);
  });

  it("are answered so of a log that is older than their indexes", async () => {
    const empty = await open();
    const { db, engine } = empty;
    await migrateBefore(empty, "0009");
    for (const { position, type, at, leaf, detail, detailText, subjects, audience } of events) {
      await db.insertInto("event").values({ position, type, at, leaf }).execute();
      const row = { position, event_id: detail.eventId, actor: detail.actor.id, acting_mesh: detail.actingMesh };
      await db
        .insertInto("event_detail")
        .values({ ...row, detail: detailText })
        .execute();
      await db
        .insertInto("event_subject")
        .values([...subjects, ...audience].map((subject) => ({ subject, position })))
        .execute();
    }
    await migrate(db, engine);
    await holds(db);
  });

  it("S68: are answered from what is written once", async () => {
    const { db, engine } = await open();
    await migrate(db, engine);
    await db.transaction().execute((tx) => appendEvents(tx, events.slice(0, 3)));
    const refused = /append-only/;
    await expect(db.updateTable("event_subject_type").set({ type: "forged" }).execute()).rejects.toThrow(refused);
    await expect(db.deleteFrom("event_subject_type").execute()).rejects.toThrow(refused);
  });
});
