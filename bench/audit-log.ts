import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { migrate } from "../src/store/migrate.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import type { Database } from "../src/store/tables.ts";
import { SECOND_MS, toRfc3339 } from "../src/time.ts";

/** When the log begins; an event a second. */
export const BEGAN = Date.UTC(2026, 0, 1);
export const QUIET_MESH = "quiet";
export const BUSY_MESH = "busy";
export const ONE_OF_MANY = "mesh-7";
const MESHES = 200;

/** A database on a file with a log of so many events, written past the broker, which would take hours. */
export async function logOf(size: number, folder: string): Promise<Database> {
  const path = join(folder, `${size}.db`);
  const db = openSqlite(path);
  await migrate(db, "sqlite");
  const raw = new BetterSqlite3(path);
  const insertEvent = raw.prepare("insert into event (position, type, at, leaf) values (?, ?, ?, ?)");
  const insertDetail = raw.prepare(
    "insert into event_detail (position, event_id, actor, acting_mesh, detail) values (?, ?, ?, ?, ?)",
  );
  const insertSubjectType = raw.prepare("insert into event_subject_type (subject, type, position) values (?, ?, ?)");
  const insertSubject = raw.prepare("insert into event_subject (subject, position) values (?, ?)");
  raw.transaction(() => {
    for (let position = 1; position <= size; position++) {
      const meshId = meshOf(position, size);
      const type = typeOf(position, size);
      const at = BEGAN + position * SECOND_MS;
      const actor = { kind: "token", id: `tok_${meshId}` };
      const subjects = [`mesh/${meshId}`, `trust-domain/${meshId}.example`, `authority/aut_${position}`];
      const leaf = { v: 1, position, type, at: toRfc3339(at), subjects, detailDigest: "d".repeat(64) };
      const detail = {
        eventId: `evt_${position}`,
        actor,
        actingMesh: meshId,
        source: "127.0.0.1",
        requestId: `req_${position}`,
        outcome: "done",
        beforeDigest: "b".repeat(64),
        afterDigest: "a".repeat(64),
        fields: { from: "prepared", to: "active", reason: "as planned", force: false },
        salt: "s".repeat(22),
      };
      insertEvent.run(position, type, at, JSON.stringify(leaf));
      insertDetail.run(position, detail.eventId, actor.id, meshId, JSON.stringify(detail));
      for (const subject of subjects) {
        insertSubject.run(subject, position);
        insertSubjectType.run(subject, type, position);
      }
    }
    raw.exec("insert into event_span select position / 1000, min(at), max(at) from event group by position / 1000");
    raw.prepare("update log_head set size = ?").run(size);
  })();
  raw.close();
  return db;
}

/** One is quiet, after a few events at the beginning; one has half of all; the others share the rest. */
function meshOf(position: number, size: number): string {
  if (position % (size / 100) === 1 && position < size / 10) return QUIET_MESH;
  return position % 2 === 0 ? BUSY_MESH : `mesh-${position % MESHES}`;
}

/** One type in three is common, one happens ten times. */
function typeOf(position: number, size: number): string {
  if (position % (size / 10) === 5) return "mesh.suspended";
  return position % 3 === 0 ? "bundle.revised" : "authority.transitioned";
}
