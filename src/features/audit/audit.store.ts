import { type RawBuilder, sql } from "kysely";
import { type EventDetail, type EventType, FIELDS_SAY_WHOSE, isBrokersOwn, type Subject } from "../../store/event.ts";
import { positionsOf } from "../../store/event-log.ts";
import type { Executor } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import type { Scope } from "../access/role.ts";

/** An event as the store has it; `detail` is null once it was erased. */
export interface StoredEvent {
  readonly position: number;
  readonly type: EventType;
  readonly at: EpochMs;
  readonly subjects: readonly Subject[];
  readonly leaf: string;
  readonly detail: EventDetail | null;
}

export interface EventFilter {
  readonly subjects: readonly Subject[];
  readonly actor?: string;
  readonly type?: string;
  readonly from?: EpochMs;
  readonly to?: EpochMs;
}

export interface EventPage {
  readonly order: "asc" | "desc";
  readonly after: number | undefined;
  readonly limit: number;
}

/** Events that a scope may see: all, or those that are about one of its meshes or have it in their audience. */
export async function listEvents(
  db: Executor,
  scope: Scope,
  filter: EventFilter,
  page: EventPage,
): Promise<StoredEvent[]> {
  const span = await positionsOf(db, filter);
  const search = searchFor(scope, filter);
  if (!span || search.ways.length === 0) return [];
  const { order, after, limit } = page;
  // One bound on each side: of two, the planner would seek to the first that is written.
  const first = after !== undefined && order === "asc" ? Math.max(span.first, after + 1) : span.first;
  const last = after !== undefined && order === "desc" ? Math.min(span.last, after - 1) : span.last;
  // Written apart: of BETWEEN, SQLite's planner takes the lower bound alone where an EXISTS follows.
  const bounds = [sql`way.position >= ${first}`, sql`way.position <= ${last}`];
  const conditions = [...bounds, ...conditionsOf(scope, filter, search)];
  const positions = search.ways.map(
    (way) => sql`select * from (
      select way.position from ${way} and ${sql.join(conditions, sql` and `)}
      order by way.position ${sql.raw(order)} limit ${limit}) as way`,
  );
  const rows = await db
    .selectFrom(sql<{ position: number }>`(${sql.join(positions, sql` union `)})`.as("found"))
    .innerJoin("event", "event.position", "found.position")
    .leftJoin("event_detail", "event_detail.position", "event.position")
    .select(["event.position", "event.type", "event.at", "event.leaf", "event_detail.detail"])
    .orderBy("event.position", order)
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    position: Number(row.position),
    type: row.type as EventType,
    at: row.at,
    subjects: (JSON.parse(row.leaf) as { subjects: Subject[] }).subjects,
    leaf: row.leaf,
    detail: row.detail === null ? null : (JSON.parse(row.detail) as EventDetail),
  }));
}

/** Indexes that lead to what is asked for in the order of positions, and what is still to be looked at on the way. */
interface Search {
  /** One, or one for each of several meshes. */
  readonly ways: readonly RawBuilder<unknown>[];
  readonly rest: EventFilter;
  readonly isInScope: boolean;
}

/**
 * The planner would rather sort all that an index leads to, or join the tables whole: it is given the index that passes
 * the least else, and nothing twice.
 */
function searchFor(scope: Scope, { type, actor, ...filter }: EventFilter): Search {
  const typed = type === undefined ? {} : { type };
  const about = (subject: string) =>
    type === undefined
      ? sql`event_subject as way where way.subject = ${subject}`
      : sql`event_subject_type as way where way.subject = ${subject} and way.type = ${type}`;
  const [subject, ...subjects] = filter.subjects;
  if (actor !== undefined) {
    const rest = { ...filter, ...typed };
    return { ways: [sql`event_detail as way where way.actor = ${actor}`], rest, isInScope: scope.all };
  }
  if (subject !== undefined) {
    const isInScope = scope.all || mine(scope.meshes).includes(subject);
    return { ways: [about(subject)], rest: { ...filter, subjects }, isInScope };
  }
  if (!scope.all) return { ways: mine(scope.meshes).map(about), rest: filter, isInScope: true };
  const all = type === undefined ? sql`event as way where true` : sql`event as way where way.type = ${type}`;
  return { ways: [all], rest: filter, isInScope: true };
}

const mine = (meshes: readonly string[]): string[] => meshes.map((meshId) => `mesh/${meshId}`);

/** What must still hold of each position on the way. */
function conditionsOf(scope: Scope, asked: EventFilter, { rest, isInScope }: Search): RawBuilder<unknown>[] {
  const about = (some: readonly string[]) =>
    sql`exists (select 1 from event_subject where position = way.position and subject in (${sql.join(some)}))`;
  const event = (condition: RawBuilder<unknown>) =>
    sql`exists (select 1 from event where event.position = way.position and ${condition})`;
  const conditions = rest.subjects.map((subject) => about([subject]));
  if (rest.type !== undefined) conditions.push(event(sql`event.type = ${rest.type}`));
  if (rest.from !== undefined) conditions.push(event(sql`event.at >= ${rest.from}`));
  if (rest.to !== undefined) conditions.push(event(sql`event.at < ${rest.to}`));
  if (scope.all) return conditions;
  const own = mine(scope.meshes);
  if (!isInScope) conditions.push(about([...own, ""]));
  // A filter tells nothing that the answer would hide: who acted for another mesh, for whom else a token speaks (S21).
  if (asked.actor !== undefined) {
    const isOwn = sql`way.acting_mesh in (${sql.join([...scope.meshes, ""])})`;
    const isShown = isBrokersOwn(asked.actor) ? sql`true` : event(doneTo(scope.meshes));
    conditions.push(sql`(${isOwn} or (way.acting_mesh is null and ${isShown}))`);
  }
  const others = asked.subjects.filter((subject) => subject.startsWith("mesh/") && !own.includes(subject));
  if (others.length > 0) conditions.push(event(sql`event.type not like 'token.%'`));
  // Nor who is in the audience: only what the leaf names.
  for (const subject of others) conditions.push(event(sql`event.leaf like ${containing(subject)} escape '!'`));
  return conditions;
}

/** That an operator did it to one of these meshes, as `asSeenBy` has it: in other words of the same rule. */
function doneTo(meshes: readonly string[]): RawBuilder<unknown> {
  const ofType = FIELDS_SAY_WHOSE.map((beginning) => sql`event.type like ${`${beginning}%`}`);
  const any = (all: readonly RawBuilder<unknown>[]) => sql`(${sql.join([...all, sql`false`], sql` or `)})`;
  // A quote within a text is escaped in JSON: nobody's reason passes for a member.
  const byFields = meshes.map((meshId) => sql`way.detail like ${containing({ meshId })} escape '!'`);
  const bySubjects = mine(meshes).map((subject) => sql`event.leaf like ${containing(subject)} escape '!'`);
  return sql`case when ${any(ofType)} then ${any(byFields)} else ${any(bySubjects)} end`;
}

/** A pattern for LIKE: a text, or the members of an object, as they stand in JSON. */
function containing(part: unknown): string {
  const text = JSON.stringify(part).replace(/^\{(.*)\}$/, "$1");
  return `%${text.replaceAll(/[!%_]/g, "!$&")}%`;
}

/** One event, if the scope may see it. */
export async function findEvent(db: Executor, scope: Scope, position: number): Promise<StoredEvent | undefined> {
  const [found] = await listEvents(db, scope, { subjects: [] }, { order: "asc", after: position - 1, limit: 1 });
  return found?.position === position ? found : undefined;
}

/** Which of these positions are of events that the scope may see. */
export async function seenAmong(
  db: Executor,
  scope: Scope,
  positions: readonly number[],
): Promise<ReadonlySet<number>> {
  if (scope.all) return new Set(positions);
  const rows = await db
    .selectFrom("event_subject")
    .select("position")
    .distinct()
    .where("subject", "in", [...mine(scope.meshes), ""])
    .where("position", "in", [...positions, 0])
    .execute();
  return new Set(rows.map(({ position }) => Number(position)));
}
