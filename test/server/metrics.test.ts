import { expect, it } from "vitest";
import { countersBuffer, readCounters } from "../../src/bundle-endpoint/counters.ts";
import { createMetrics } from "../../src/server/metrics.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openSqliteFile } from "../support/databases.ts";
import { NOON } from "../support/store-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it("what the process measures of itself is told while the database is gone, but for what only that knows", async () => {
  const { db, engine } = await openSqliteFile();
  await migrate(db, engine);
  const { text } = createMetrics({
    counters: () => readCounters(countersBuffer()),
    adminConnections: () => ({}) as never,
    logSize: () => 7,
    db,
    clock: () => NOON,
    dataFolder: temporaryFolder(),
  });
  const names = async () => [...new Set((await text()).match(/^entente_\w+/gm))];
  const before = await names();
  expect(before).toContain("entente_pollers_expiring");
  await db.destroy();
  expect(await names()).toEqual(before.filter((name) => name !== "entente_pollers_expiring"));
  expect(await text()).toContain("entente_log_size 7");
});
