import { sql } from "kysely";
import type { EpochMs } from "../time.ts";
import { compiled } from "./compiled.ts";
import type { EventType, SealedEvent, Subject } from "./event.ts";
import type { Executor, Tables } from "./tables.ts";

/** Position of the newest event, and up to when the log says what expired. */
export interface LogHead {
  readonly size: number;
  readonly expiriesToldTo: EpochMs;
}

/**
 * Holds the log's head until the transaction ends: whoever has it is the only writer, which makes positions dense and in
 * commit order on both engines.
 */
export async function lockLogHead(tx: Executor): Promise<LogHead> {
  const [head] = await lockedHead(tx);
  if (!head) throw new Error("log_head has no row");
  return { size: Number(head.size), expiriesToldTo: Number(head.expiries_told_to) };
}

const lockedHead = compiled((tx) =>
  tx
    .updateTable("log_head")
    .set({ size: sql<number>`size` })
    .where("id", "=", 1)
    .returning(["size", "expiries_told_to"]),
);

/** Events up to this position are committed. */
export async function logSize(db: Executor): Promise<number> {
  const head = await db.selectFrom("log_head").select("size").where("id", "=", 1).executeTakeFirstOrThrow();
  return Number(head.size);
}

/** The log says of all that expired up to this instant, and of nothing that expires later. */
export async function expiriesToldTo(db: Executor): Promise<EpochMs> {
  const head = await db.selectFrom("log_head").select("expiries_told_to").where("id", "=", 1).executeTakeFirstOrThrow();
  return Number(head.expiries_told_to);
}

export async function setExpiriesToldTo(tx: Executor, at: EpochMs): Promise<void> {
  await tx.updateTable("log_head").set({ expiries_told_to: at }).where("id", "=", 1).execute();
}

/** So many rows go into the database with one statement. */
const ROWS_AT_ONCE = 100;

/** Appends in order. The caller holds the head (`lockLogHead`) and numbered the events after it. */
export async function appendEvents(tx: Executor, events: readonly SealedEvent[]): Promise<void> {
  for (let from = 0; from < events.length; from += ROWS_AT_ONCE)
    await insertEvents(tx, events.slice(from, from + ROWS_AT_ONCE));
  await widenSpans(tx, events);
  const last = events.at(-1);
  if (last) await setLogSize(tx, last.position);
}

const setLogSize = compiled((tx, size: number) => tx.updateTable("log_head").set({ size }).where("id", "=", 1));

async function insertEvents(tx: Executor, events: readonly SealedEvent[]): Promise<void> {
  await insertLeaves(
    tx,
    events.map(({ position, type, at, leaf }) => ({ position, type, at, leaf })),
  );
  await insertDetails(
    tx,
    events.map(({ position, detail, detailText }) => ({
      position,
      event_id: detail.eventId,
      actor: detail.actor.id,
      acting_mesh: detail.actingMesh,
      detail: detailText,
    })),
  );
  const subjects = events.flatMap((event) =>
    [...event.subjects, ...event.audience].map((subject) => ({ subject, event })),
  );
  for (let from = 0; from < subjects.length; from += ROWS_AT_ONCE) {
    const some = subjects.slice(from, from + ROWS_AT_ONCE);
    await insertSubjects(
      tx,
      some.map(({ subject, event: { position } }) => ({ subject, position })),
    );
    await insertSubjectTypes(
      tx,
      some.map(({ subject, event: { type, position } }) => ({ subject, type, position })),
    );
  }
}

const insertLeaves = compiled((tx, rows: Tables["event"][]) => tx.insertInto("event").values(rows));
const insertDetails = compiled((tx, rows: Tables["event_detail"][]) => tx.insertInto("event_detail").values(rows));
const insertSubjects = compiled((tx, rows: Tables["event_subject"][]) => tx.insertInto("event_subject").values(rows));
const insertSubjectTypes = compiled((tx, rows: Tables["event_subject_type"][]) =>
  tx.insertInto("event_subject_type").values(rows),
);

/** Events whose times are kept together, as migration 0009 has it. */
const SPAN = 1_000;

async function widenSpans(tx: Executor, events: readonly SealedEvent[]): Promise<void> {
  const times = Map.groupBy(events, ({ position }) => Math.floor(position / SPAN));
  for (const [span, found] of times) {
    const at = found.map((event) => event.at);
    await widenSpan(tx, { span, earliest: Math.min(...at), latest: Math.max(...at) });
  }
}

const widenSpan = compiled((tx, row: Tables["event_span"]) =>
  tx
    .insertInto("event_span")
    .values(row)
    .onConflict((conflict) =>
      conflict.column("span").doUpdateSet({
        earliest: sql<number>`case when excluded.earliest < event_span.earliest then excluded.earliest else event_span.earliest end`,
        latest: sql<number>`case when excluded.latest > event_span.latest then excluded.latest else event_span.latest end`,
      }),
    ),
);

/**
 * Positions between which all events at or after `from` and before `to` lie, some others among them: clocks are set
 * back, so that times are not in the order of positions. Undefined where there is none.
 */
export async function positionsOf(
  db: Executor,
  { from, to }: { readonly from?: EpochMs; readonly to?: EpochMs },
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  if (from === undefined && to === undefined) return { first: 0, last: Number.MAX_SAFE_INTEGER };
  let query = db.selectFrom("event_span").select(({ fn }) => [fn.min("span").as("first"), fn.max("span").as("last")]);
  if (from !== undefined) query = query.where("latest", ">=", from);
  if (to !== undefined) query = query.where("earliest", "<", to);
  const { first, last } = await query.executeTakeFirstOrThrow();
  if (first === null) return undefined;
  return { first: Number(first) * SPAN, last: Number(last) * SPAN + SPAN - 1 };
}

/** What a follower needs to know of an event: what kind, and what it is about. */
export interface FollowedEvent {
  readonly position: number;
  readonly type: EventType;
  readonly subjects: readonly Subject[];
}

/** Up to `limit` events after `position`, in order. */
export async function eventsAfter(db: Executor, position: number, limit: number): Promise<FollowedEvent[]> {
  const rows = await leavesAfter(db, position, limit);
  return rows.map((row) => ({
    position: Number(row.position),
    type: row.type as EventType,
    subjects: (JSON.parse(row.leaf) as { subjects: Subject[] }).subjects,
  }));
}

/** Not a bound limit as it is: SQLite plans a query anew for each value of one, which takes longer than it takes to run. */
const leavesAfter = compiled((db, position: number, limit: number) =>
  db
    .selectFrom("event")
    .select(["position", "type", "leaf"])
    .where("position", ">", position)
    .orderBy("position")
    .limit(sql<number>`${limit} + 0`),
);

/** Where the log ends, and when that event was committed; zeros of an empty log. */
export async function newestEvent(db: Executor): Promise<{ readonly position: number; readonly at: EpochMs }> {
  const newest = await db
    .selectFrom("event")
    .select(["position", "at"])
    .orderBy("position", "desc")
    .limit(1)
    .executeTakeFirst();
  return { position: Number(newest?.position ?? 0), at: newest?.at ?? 0 };
}

/** The latest time that an event after `position` was given, and how far the log goes; undefined when there is none. */
export async function latestSince(
  db: Executor,
  position: number,
): Promise<{ readonly position: number; readonly at: EpochMs } | undefined> {
  const row = await db
    .selectFrom("event")
    .select((select) => [select.fn.max("position").as("position"), select.fn.max("at").as("at")])
    .where("position", ">", position)
    .executeTakeFirst();
  return row?.position ? { position: Number(row.position), at: Number(row.at) } : undefined;
}
