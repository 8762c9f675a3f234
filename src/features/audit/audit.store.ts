import type { EventDetail, EventType, Subject } from "../../store/event.ts";
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

/** Events that a scope may see: all, or those that are about one of its meshes. */
export async function listEvents(
  db: Executor,
  scope: Scope,
  filter: EventFilter,
  page: { readonly order: "asc" | "desc"; readonly after: number | undefined; readonly limit: number },
): Promise<StoredEvent[]> {
  let query = db
    .selectFrom("event")
    .leftJoin("event_detail", "event_detail.position", "event.position")
    .select(["event.position", "event.type", "event.at", "event.leaf", "event_detail.detail"])
    .orderBy("event.position", page.order)
    .limit(page.limit);
  if (page.after !== undefined) query = query.where("event.position", page.order === "asc" ? ">" : "<", page.after);
  for (const subject of filter.subjects) {
    query = query.where(
      "event.position",
      "in",
      db.selectFrom("event_subject").select("position").where("subject", "=", subject),
    );
  }
  if (!scope.all) {
    const mine = scope.meshes.map((meshId) => `mesh/${meshId}`);
    query = query.where(
      "event.position",
      "in",
      db
        .selectFrom("event_subject")
        .select("position")
        .where("subject", "in", [...mine, ""]),
    );
    // A filter tells nothing that the answer would hide: who acted for another mesh, for whom else a token speaks (S21).
    if (filter.actor !== undefined) {
      const own = [...scope.meshes, ""];
      query = query.where((where) =>
        where.or([where("event_detail.acting_mesh", "is", null), where("event_detail.acting_mesh", "in", own)]),
      );
    }
    if (filter.subjects.some((subject) => subject.startsWith("mesh/") && !mine.includes(subject))) {
      query = query.where("event.type", "not like", "token.%");
    }
  }
  if (filter.actor !== undefined) query = query.where("event_detail.actor", "=", filter.actor);
  if (filter.type !== undefined) query = query.where("event.type", "=", filter.type);
  if (filter.from !== undefined) query = query.where("event.at", ">=", filter.from);
  if (filter.to !== undefined) query = query.where("event.at", "<", filter.to);
  return (await query.execute()).map((row) => ({
    position: Number(row.position),
    type: row.type as EventType,
    at: row.at,
    subjects: (JSON.parse(row.leaf) as { subjects: Subject[] }).subjects,
    leaf: row.leaf,
    detail: row.detail === null ? null : (JSON.parse(row.detail) as EventDetail),
  }));
}

/** One event, if the scope may see it. */
export async function findEvent(db: Executor, scope: Scope, position: number): Promise<StoredEvent | undefined> {
  const [found] = await listEvents(db, scope, { subjects: [] }, { order: "asc", after: position - 1, limit: 1 });
  return found?.position === position ? found : undefined;
}
