import type { Migration } from "../src/store/migration.ts";

/** Suspended meshes, former URLs of pollers, and offers of trust domains to their members. */
export const operators: Migration = {
  name: "0006-operators",
  async up(db) {
    for (const column of ["suspended_at", "suspension_ended_at"] as const)
      await db.schema.alterTable("mesh").addColumn(column, "bigint").execute();
    for (const column of ["suspended_by", "suspension_reason"] as const)
      await db.schema.alterTable("mesh").addColumn(column, "text").execute();
    await db.schema.alterTable("token").addColumn("life_seconds", "bigint").execute();
    await db.schema
      .createTable("former_poller_url")
      .addColumn("token_hash", "text", (c) => c.primaryKey())
      .addColumn("poller_id", "text", (c) => c.notNull().references("poller.poller_id"))
      .addColumn("replaced_at", "bigint", (c) => c.notNull())
      .addColumn("ends_at", "bigint", (c) => c.notNull())
      .execute();
    await db.schema.createIndex("former_poller_url_poller").on("former_poller_url").column("poller_id").execute();
    await db.schema
      .createTable("trust_domain_transfer")
      .addColumn("transfer_id", "text", (c) => c.primaryKey())
      .addColumn("trust_domain", "text", (c) => c.notNull().references("trust_domain.name"))
      .addColumn("from_mesh", "text", (c) => c.notNull().references("mesh.mesh_id"))
      .addColumn("to_mesh", "text", (c) => c.notNull().references("mesh.mesh_id"))
      .addColumn("state", "text", (c) => c.notNull())
      .addColumn("offered_at", "bigint", (c) => c.notNull())
      .addColumn("offered_reason", "text")
      .addColumn("decided_at", "bigint")
      .addColumn("decided_reason", "text")
      .execute();
    await db.schema
      .createIndex("trust_domain_transfer_domain")
      .on("trust_domain_transfer")
      .columns(["trust_domain", "transfer_id"])
      .execute();
  },
};
