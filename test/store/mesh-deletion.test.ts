import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { ENDING_WITH_MESH } from "../../src/features/meshes/deletion.service.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Database, Tables } from "../../src/store/tables.ts";
import { openSqliteFile } from "../support/databases.ts";

/** Tables whose rows still name a mesh that is gone, and why that is right. */
const STAYS: Partial<Record<keyof Tables, string>> = {
  event_detail: "what happened is not undone (S68)",
  revision: "what was published is not undone, nor by whom",
  mesh_label: "goes with the mesh's row, which stays so that the ID is never used again; no list shows it",
  trust_domain_transfer: "an offer to or of a mesh that is no member lapses by that (transfer.ts)",
  contribution: "published of granted members alone; which trust domain had a key stays known (R28)",
  proof_challenge: "of a contribution; asked of a mesh that nobody speaks for",
  distrust: "keeps from the mesh's own pollers alone, which have ended",
  delivery: "what was served is not undone; of a poller that has ended",
  invitation: "one that names a mesh ID that was used registers nothing; what one was spent on is not undone",
};

/** Columns that name a mesh and do not say so. */
const BY_ANOTHER_NAME: readonly string[] = ["owner", "source_id", "spent_by"];
const namesMesh = (column: string) => /(?:^|_)mesh(?:_|$)/.test(column) || BY_ANOTHER_NAME.includes(column);

/** Of the tables as the migrations leave them: by what a column is called, or by what it refers to. */
async function tablesNamingMeshes(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string; column: string; refers: number }>`
    select t.name, c.name as "column", exists (
      select 1 from pragma_foreign_key_list(t.name) f where f."from" = c.name and f."table" = 'mesh') as refers
    from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'`.execute(db);
  return [...new Set(rows.filter(({ column, refers }) => refers === 1 || namesMesh(column)).map(({ name }) => name))];
}

describe("a mesh that is deleted", () => {
  it("ends in every table that names it, or stays there for a reason", async () => {
    const { db, engine } = await openSqliteFile();
    await migrate(db, engine);
    const ending = ENDING_WITH_MESH.flatMap(({ tables }) => tables);
    expect([...ending, ...Object.keys(STAYS)].sort()).toEqual((await tablesNamingMeshes(db)).sort());
  });

  it("would be found in a table that nobody has thought of, whatever its column is called", async () => {
    const { db, engine } = await openSqliteFile();
    await migrate(db, engine);
    await db.schema.createTable("by_name").addColumn("for_mesh", "text").execute();
    await db.schema
      .createTable("by_reference")
      .addColumn("whose", "text", (column) => column.references("mesh.mesh_id"))
      .execute();
    expect(await tablesNamingMeshes(db)).toEqual(expect.arrayContaining(["by_name", "by_reference"]));
  });
});
