import { sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";

/** One-time codes by which a mesh consents to a federation before it is proposed. */
export const federationCodes: Migration = {
  name: "0004-federation-codes",
  async up(db) {
    await db.schema
      .createTable("federation_code")
      .addColumn("code_id", "text", (c) => c.primaryKey())
      .addColumn("secret_hash", "text", (c) => c.notNull())
      .addColumn("mesh_id", "text", (c) => c.notNull().references("mesh.mesh_id"))
      .addColumn("trust", "text")
      .addColumn("federation_expires_at", "bigint")
      .addColumn("reason", "text")
      .addColumn("created_at", "bigint", (c) => c.notNull())
      .addColumn("created_by", "text", (c) => c.notNull())
      .addColumn("expires_at", "bigint", (c) => c.notNull())
      .addColumn("revoked_at", "bigint")
      .addColumn("spent_at", "bigint")
      .addColumn("spent_by", "text")
      .addColumn("federation_id", "text")
      .execute();
    await db.schema.createIndex("federation_code_mesh").on("federation_code").columns(["mesh_id", "code_id"]).execute();
    await sql
      .raw(
        "create index federation_code_expiry on federation_code (expires_at) where revoked_at is null and spent_at is null",
      )
      .execute(db);
  },
};
