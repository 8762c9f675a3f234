import { sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";

/** Who proved that it holds the key of what it contributes, and the challenges that are open. */
export const proofs: Migration = {
  name: "0005-proofs",
  async up(db) {
    await db.schema.alterTable("contribution").addColumn("proved_at", "bigint").execute();
    // The broker made its own keys.
    await sql`update contribution set proved_at = created_at where source_kind = 'broker'`.execute(db);
    await db.schema
      .createTable("proof_challenge")
      .addColumn("authority_id", "text", (c) => c.notNull().references("authority.authority_id"))
      .addColumn("source_kind", "text", (c) => c.notNull())
      .addColumn("source_id", "text", (c) => c.notNull())
      .addColumn("nonce", "text", (c) => c.notNull())
      .addColumn("expires_at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("proof_challenge_key", ["authority_id", "source_kind", "source_id"])
      .execute();
  },
};
