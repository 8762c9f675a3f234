import { expect, it } from "vitest";
import { compiled } from "../../src/store/compiled.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Database, Tables } from "../../src/store/tables.ts";
import { describeOnEachEngine, type OpenDatabase } from "../support/databases.ts";

type Label = Tables["mesh_label"];

/** How often each query was built. */
function queries() {
  const built = { insert: 0, named: 0, rename: 0 };
  return {
    built,
    insert: compiled((db, rows: Label[]) => {
      built.insert += 1;
      return db.insertInto("mesh_label").values(rows);
    }),
    named: compiled((db, meshId: string, names: string[]) => {
      built.named += 1;
      return db
        .selectFrom("mesh_label")
        .select(["name", "value"])
        .where("name", "in", names)
        .where("mesh_id", "=", meshId)
        .where("value", "!=", "hidden")
        .orderBy("name");
    }),
    rename: compiled((db, from: string, row: Pick<Label, "name" | "value">) => {
      built.rename += 1;
      return db.updateTable("mesh_label").set(row).where("name", "=", from);
    }),
  };
}

async function withMeshes(open: OpenDatabase): Promise<Database> {
  const { db, engine } = await open();
  await migrate(db, engine);
  await db
    .insertInto("mesh")
    .values(
      ["shop", "bank"].map((mesh_id) => ({
        mesh_id,
        display_name: mesh_id,
        dialect: "other",
        dialect_version: null,
        labels: "{}",
        listed: 1,
        registered_at: 0,
        updated_at: 0,
        deleted_at: null,
        suspended_at: null,
        suspended_by: null,
        suspension_reason: null,
        suspension_ended_at: null,
      })),
    )
    .execute();
  return db;
}

const label = (mesh_id: string, name: string, value: string): Label => ({ mesh_id, name, value });

describeOnEachEngine("a query that is compiled once", (open) => {
  it("runs with the values of each call, and is built once for each shape of them", async () => {
    const db = await withMeshes(open);
    const { insert, named, built } = queries();
    await insert(db, [label("shop", "env", "prod"), label("shop", "tier", "1")]);
    await insert(db, [label("bank", "env", "dev"), label("bank", "tier", "hidden")]);
    await insert(db, [label("bank", "zone", "a")]);
    expect(await named(db, "shop", ["env", "tier"])).toEqual([
      { name: "env", value: "prod" },
      { name: "tier", value: "1" },
    ]);
    expect(await named(db, "bank", ["tier", "env"])).toEqual([{ name: "env", value: "dev" }]);
    expect(await named(db, "bank", ["zone"])).toEqual([{ name: "zone", value: "a" }]);
    expect(built).toEqual({ insert: 2, named: 2, rename: 0 });
  });

  it("is the same in a transaction, which may take it back", async () => {
    const db = await withMeshes(open);
    const { insert, named, built } = queries();
    await insert(db, [label("shop", "env", "prod")]);
    const undone = db.transaction().execute(async (tx) => {
      await insert(tx, [label("shop", "tier", "1")]);
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect(await named(db, "shop", ["env", "tier"])).toEqual([{ name: "env", value: "prod" }]);
    expect(built.insert).toBe(1);
  });

  it("binds values in whatever order the query has them, and its own beside them", async () => {
    const db = await withMeshes(open);
    const { insert, named, rename } = queries();
    await insert(db, [label("shop", "env", "prod")]);
    await rename(db, "env", { name: "stage", value: "test" });
    await rename(db, "stage", { value: "dev", name: "phase" });
    expect(await named(db, "shop", ["env", "stage", "phase"])).toEqual([{ name: "phase", value: "dev" }]);
  });

  it("keeps none with a list of hundreds, which comes in too many lengths", async () => {
    const db = await withMeshes(open);
    const { named, built } = queries();
    const names = Array.from({ length: 200 }, (_, index) => `name-${index}`);
    await named(db, "shop", names);
    await named(db, "shop", names);
    expect(built.named).toBe(2);
  });

  it("fails where a value is left out or looked at, rather than ask something else", async () => {
    const db = await withMeshes(open);
    const forgetful = compiled((db, _meshId: string) => db.selectFrom("mesh").select("mesh_id"));
    await expect(forgetful(db, "shop")).rejects.toThrow("not all are bound");
    const looking = compiled((db, meshId: string) =>
      db.selectFrom("mesh").select("mesh_id").where("mesh_id", "=", `${meshId}!`),
    );
    await expect(looking(db, "shop")).rejects.toThrow("not all are bound");
  });
});
