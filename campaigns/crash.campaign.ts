import { it, onTestFinished } from "vitest";
import { findPostgres, startCluster } from "../scripts/postgres/cluster.ts";
import { crashCampaign, crashSeed } from "../test/process/crash-campaign.ts";

const KILLS = Number(process.env.CRASH_KILLS ?? 50);
const programs = findPostgres();

it(`L2, L19: ${KILLS} kills on SQLite lose nothing, and do nothing twice`, async () => {
  await crashCampaign({ kills: KILLS, seed: crashSeed });
});

it.skipIf(programs === undefined)(
  `L2, L13, L19: ${KILLS} kills on PostgreSQL, and some of PostgreSQL itself, lose nothing, and do nothing twice`,
  async () => {
    const cluster = await startCluster(programs ?? "");
    onTestFinished(() => cluster.remove());
    const env = { ENTENTE_DATABASE_URL: cluster.url };
    const database = { cluster, kills: Math.ceil(KILLS / 10) };
    await crashCampaign({ kills: KILLS, seed: crashSeed, env, database });
  },
);
