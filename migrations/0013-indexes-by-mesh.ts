import type { Migration } from "../src/store/migration.ts";

/** What is looked up by the mesh that it is of, and lies among that of all others. */
export const indexesByMesh: Migration = {
  name: "0013-indexes-by-mesh",
  async up(db) {
    await db.schema.createIndex("trust_domain_owner").on("trust_domain").column("owner").execute();
    await db.schema.createIndex("revision_made").on("revision").columns(["acting_mesh", "at"]).execute();
  },
};
