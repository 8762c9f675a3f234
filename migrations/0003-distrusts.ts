import { sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";

/** Authorities of peers that a mesh has stopped trusting by itself, and what its bundle accesses are therefore without. */
export const distrusts: Migration = {
  name: "0003-distrusts",
  async up(db) {
    await db.schema
      .createTable("distrust")
      .addColumn("distrust_id", "text", (c) => c.primaryKey())
      .addColumn("mesh_id", "text", (c) => c.notNull().references("mesh.mesh_id"))
      .addColumn("trust_domain", "text", (c) => c.notNull())
      .addColumn("fingerprint", "text", (c) => c.notNull())
      .addColumn("reason", "text", (c) => c.notNull())
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addColumn("created_by", "text", (c) => c.notNull())
      .addColumn("lifted_at", "bigint")
      .execute();
    await sql
      .raw(
        "create unique index distrust_standing on distrust (mesh_id, trust_domain, fingerprint) where lifted_at is null",
      )
      .execute(db);
    await db.schema.createIndex("distrust_mesh").on("distrust").columns(["mesh_id", "distrust_id"]).execute();
    await db.schema
      .alterTable("bundle_access")
      .addColumn("distrusted", "text", (c) => c.notNull().defaultTo("[]"))
      .execute();
  },
};
