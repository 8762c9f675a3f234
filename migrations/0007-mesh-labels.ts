import { sql } from "kysely";
import type { Migration } from "../src/store/migration.ts";
import type { Engine } from "../src/store/tables.ts";

/** The labels of meshes one by one, so that lists can be filtered by them in pages. */
export const meshLabels: Migration = {
  name: "0007-mesh-labels",
  async up(db, engine) {
    await db.schema
      .createTable("mesh_label")
      .addColumn("mesh_id", "text", (c) => c.notNull().references("mesh.mesh_id"))
      .addColumn("name", "text", (c) => c.notNull())
      .addColumn("value", "text", (c) => c.notNull())
      .addPrimaryKeyConstraint("mesh_label_key", ["mesh_id", "name"])
      .execute();
    await db.schema.createIndex("mesh_label_value").on("mesh_label").columns(["name", "value", "mesh_id"]).execute();
    await sql.raw(`insert into mesh_label (mesh_id, name, value) ${LABELS_OF_MESHES[engine]}`).execute(db);
  },
};

const LABELS_OF_MESHES: Record<Engine, string> = {
  sqlite: "select mesh_id, label.key, label.value from mesh, json_each(mesh.labels) as label",
  postgres: "select mesh_id, label.key, label.value from mesh, json_each_text(mesh.labels::json) as label",
};
