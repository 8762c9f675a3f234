import { sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";

/** From which position of the log a trust domain that was given back is another owner's. */
export const ownedSince: Migration = {
  name: "0012-owned-since",
  async up(db) {
    await db.schema.alterTable("trust_domain").addColumn("owned_since", "bigint").execute();
    await sql`update trust_domain set owned_since = (
        select max(position) from event_subject_type
        where subject = 'trust-domain/' || trust_domain.name and type = 'trust-domain.registered')
      where (select count(*) from event_subject_type
        where subject = 'trust-domain/' || trust_domain.name and type = 'trust-domain.registered') > 1`.execute(db);
  },
};
