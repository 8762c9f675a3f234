import type { Migration } from "../src/store/migration.ts";

/** What servers that share a database share of the broker's identity: its CA certificates and its sealed keys (S63). */
export const sharedIdentity: Migration = {
  name: "0008-shared-identity",
  async up(db) {
    await db.schema
      .createTable("broker_certificate")
      .addColumn("generation", "integer", (c) => c.primaryKey())
      .addColumn("pem", "text", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .execute();
    await db.schema
      .createTable("sealed_key")
      .addColumn("name", "text", (c) => c.notNull())
      .addColumn("generation", "integer", (c) => c.notNull())
      .addColumn("sealed", "text", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("sealed_key_key", ["name", "generation"])
      .execute();
  },
};
