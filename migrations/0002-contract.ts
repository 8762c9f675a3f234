import type { Migration } from "../src/store/migration.ts";

/** What the contract of the API remembers: answers by idempotency key, and the key that cursors are sealed with. */
export const contract: Migration = {
  name: "0002-contract",
  async up(db) {
    await db.schema
      .createTable("idempotency")
      .addColumn("credential", "text", (c) => c.notNull())
      .addColumn("operation", "text", (c) => c.notNull())
      .addColumn("key", "text", (c) => c.notNull())
      .addColumn("digest", "text", (c) => c.notNull())
      .addColumn("status", "integer", (c) => c.notNull())
      .addColumn("body", "text", (c) => c.notNull())
      .addColumn("location", "text")
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("idempotency_key", ["credential", "operation", "key"])
      .execute();
    await db.schema.createIndex("idempotency_created_at").on("idempotency").column("created_at").execute();
    await db.schema.alterTable("broker").addColumn("cursor_key", "text").execute();
  },
};
