import { expect, it } from "vitest";
import { bundle } from "../federation/federation-fixture.ts";
import { spawnBroker, startProcess } from "../support/broker-process.ts";
import { databaseOf } from "../support/postgres-server.ts";
import { expectStatus } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { crashCampaign, crashSeed, numbersFrom, pause } from "./crash-campaign.ts";

const KILLS = 20;
const KILLS_AT_FIRST_START = 4;

it(
  `killed ${KILLS} times at random during writes, it loses nothing that it acknowledged and starts by itself (L2)`,
  () => crashCampaign({ kills: KILLS, seed: crashSeed }),
  300_000,
);

it("killed at any moment of its first start, the next start needs no hand, and the token in the file is valid (S27)", async () => {
  console.log(`CRASH_SEED=${crashSeed}`);
  const random = numbersFrom(crashSeed);
  for (let kill = 0; kill < KILLS_AT_FIRST_START; kill++) {
    const folder = temporaryFolder();
    const first = spawnBroker(folder, await databaseOf(folder));
    await pause(random() * 2_000);
    await first.end("SIGKILL");
    const broker = await startProcess(folder);
    const { tokens } = (await expectStatus(200, broker.api("GET", "/v1/tokens", { token: broker.operatorToken }))).body;
    expect(tokens).toHaveLength(1);
    expect((await bundle(broker.pollSpiffe("/bundle"))).keys).toHaveLength(1);
    await broker.end("SIGKILL");
  }
}, 120_000);
