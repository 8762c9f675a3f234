import type { Migration } from "../src/store/migration.ts";

/** Which kinds of client software have polled with a poller's URL. */
export const pollerClients: Migration = {
  name: "0015-poller-clients",
  async up(db) {
    await db.schema
      .createTable("poller_client")
      .addColumn("poller_id", "text", (c) => c.notNull().references("poller.poller_id"))
      .addColumn("fingerprint", "text", (c) => c.notNull())
      .addColumn("products", "text", (c) => c.notNull())
      .addColumn("first_seen_at", "bigint", (c) => c.notNull())
      .addPrimaryKeyConstraint("poller_client_key", ["poller_id", "fingerprint"])
      .execute();
  },
};
