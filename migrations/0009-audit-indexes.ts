import { type Kysely, sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";
import type { Engine } from "../src/store/tables.ts";

/**
 * What keeps the questions to the audit trail as fast as they were when it was short: the types of what each subject
 * was in, and the times of each thousand events. The index by time goes: no list is in the order of time.
 */
export const auditIndexes: Migration = {
  name: "0009-audit-indexes",
  async up(db, engine) {
    await db.schema.dropIndex("event_at").execute();
    await db.schema
      .createTable("event_span")
      .addColumn("span", "bigint", (c) => c.primaryKey())
      .addColumn("earliest", "bigint", (c) => c.notNull())
      .addColumn("latest", "bigint", (c) => c.notNull())
      .execute();
    await sql`insert into event_span (span, earliest, latest)
      select position / 1000, min(at), max(at) from event group by position / 1000`.execute(db);
    await db.schema
      .createTable("event_subject_type")
      .addColumn("subject", "text", (c) => c.notNull())
      .addColumn("type", "text", (c) => c.notNull())
      .addColumn("position", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("event_subject_type_key", ["subject", "type", "position"])
      .execute();
    await sql`insert into event_subject_type (subject, type, position)
      select event_subject.subject, event.type, event.position from event_subject
      inner join event on event.position = event_subject.position`.execute(db);
    for (const statement of WRITTEN_ONCE[engine]) await run(db, statement);
  },
};

const run = (db: Kysely<unknown>, statement: string) => sql.raw(statement).execute(db);

/** S68, as for the tables that it is made from. */
const WRITTEN_ONCE: Readonly<Record<Engine, readonly string[]>> = {
  sqlite: [
    "create trigger event_subject_type_no_replace before insert on event_subject_type " +
      "when exists (select 1 from event_subject_type " +
      "where subject = new.subject and type = new.type and position = new.position) " +
      "begin select raise(abort, 'event_subject_type is append-only'); end",
    ...["update", "delete"].map(
      (verb) =>
        `create trigger event_subject_type_no_${verb} before ${verb} on event_subject_type ` +
        "begin select raise(abort, 'event_subject_type is append-only'); end",
    ),
  ],
  postgres: [
    "create trigger event_subject_type_append_only before update or delete or truncate on event_subject_type " +
      "for each statement execute function append_only()",
  ],
};
