import { it, onTestFinished } from "vitest";
import { findPostgres, startCluster } from "../../scripts/postgres/cluster.ts";
import { TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { crashCampaign, crashSeed } from "./crash-campaign.ts";

const KILLS = 6;
const DATABASE_KILLS = 2;
const programs = TEST_POSTGRES_URL === undefined ? undefined : findPostgres();

it.skipIf(programs === undefined)(
  `killed ${KILLS} times on a PostgreSQL, which is killed ${DATABASE_KILLS} times, it loses nothing that it acknowledged (L2, L13)`,
  async () => {
    const cluster = await startCluster(programs ?? "");
    onTestFinished(() => cluster.remove());
    const env = { ENTENTE_DATABASE_URL: cluster.url };
    await crashCampaign({ kills: KILLS, seed: crashSeed, env, database: { cluster, kills: DATABASE_KILLS } });
  },
  300_000,
);
