import { CompiledQuery } from "kysely";
import { expect, it } from "vitest";
import { countRevisionsMade } from "../../src/features/bundles/bundle.store.ts";
import { listFederations } from "../../src/features/federations/federation.store.ts";
import { parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Executor } from "../../src/store/tables.ts";
import { queriesOf } from "../support/asked-queries.ts";
import { migrateBefore, openSqliteFile } from "../support/databases.ts";

const STEP = "0013-indexes-by-mesh";
const shop = parseMeshId("shop");

/** How SQLite goes about the queries that `ask` makes, a step a line. */
async function plansOf(db: Executor, ask: (db: Executor) => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  for (const { sql, parameters } of await queriesOf(db, ask)) {
    const explained = CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]);
    lines.push(...(await db.executeQuery<{ detail: string }>(explained)).rows.map(({ detail }) => detail));
  }
  return lines;
}

it("the trust domains that a mesh owns are found without looking at those of all others", async () => {
  const empty = await openSqliteFile();
  const { db, engine } = empty;
  const plans = () => plansOf(db, (db) => listFederations(db, { all: false, meshes: [shop] }, {}, "", 100));
  await migrateBefore(empty, STEP);
  expect(await plans()).toContain("SCAN trust_domain");
  expect(await migrate(db, engine)).toContain(STEP);
  const lines = await plans();
  expect(lines.filter((line) => /^SCAN/.test(line))).toEqual([]);
  expect(lines).toContain("SEARCH trust_domain USING INDEX trust_domain_owner (owner=?)");
});

it("the revisions that a mesh made within an hour are counted without a look at any other", async () => {
  const { db, engine } = await openSqliteFile();
  await migrate(db, engine);
  const lines = await plansOf(db, (db) => countRevisionsMade(db, shop, 1));
  expect(lines).toEqual(["SEARCH revision USING COVERING INDEX revision_made (acting_mesh=? AND at>?)"]);
});
