import { expect, it } from "vitest";
import { findToken } from "../../src/features/access/token.store.ts";
import { migrate } from "../../src/store/migrate.ts";
import { describeOnEachEngine, migrateBefore } from "../support/databases.ts";
import { NOON } from "../support/store-broker.ts";

const STEP = "0011-tokens-of-gone-meshes";

describeOnEachEngine("S23: tokens of a database in which meshes were deleted before tokens followed", (open) => {
  it("speak for those of their meshes that are there, and end where none is; what had ended is left as it was", async () => {
    const empty = await open();
    const { db, engine } = empty;
    await migrateBefore(empty, STEP);
    const mesh = { display_name: "", dialect: "other", labels: "{}", listed: 1, registered_at: NOON, updated_at: NOON };
    for (const [mesh_id, deleted_at] of [
      ["there", null],
      ["gone", NOON],
      ["gone-too", NOON],
    ] as const)
      await db
        .insertInto("mesh")
        .values({ ...mesh, mesh_id, deleted_at } as never)
        .execute();
    const token = { secret_hash: "", name: "", role: "mesh-admin", created_at: NOON, created_by: "", expires_at: NOON };
    const insert = async (token_id: string, meshes: readonly string[], revoked_at: number | null = null) => {
      await db
        .insertInto("token")
        .values({ ...token, token_id, revoked_at } as never)
        .execute();
      for (const mesh_id of meshes) await db.insertInto("token_mesh").values({ token_id, mesh_id }).execute();
    };
    await insert("left-with-one", ["gone", "there"]);
    await insert("left-with-none", ["gone", "gone-too"]);
    await insert("untouched", ["there"]);
    await insert("of-no-mesh", []);
    await insert("had-ended", ["gone", "there"], NOON);
    const before = Date.now();
    expect(await migrate(db, engine)).toContain(STEP);
    const read = async (tokenId: string) => {
      const found = await findToken(db, tokenId);
      return [found?.meshes, found?.revokedAt];
    };
    expect(await read("left-with-one")).toEqual([["there"], null]);
    expect(await read("left-with-none")).toEqual([["gone", "gone-too"], expect.any(Number)]);
    expect((await findToken(db, "left-with-none"))?.revokedAt).toBeGreaterThanOrEqual(before);
    expect(await read("untouched")).toEqual([["there"], null]);
    expect(await read("of-no-mesh")).toEqual([[], null]);
    expect(await read("had-ended")).toEqual([["gone", "there"], NOON]);
  });
});
