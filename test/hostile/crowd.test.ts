import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { startProcess } from "../support/broker-process.ts";
import { pollAsIstiod } from "../support/poll.ts";
import { federate, registerMesh } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { printCounts } from "./counts.ts";
import type { Standing } from "./crowd.ts";

const CROWD = fileURLToPath(new URL("crowd.ts", import.meta.url));
const IDLE = 2_000;
const SLOW = 200;
const POLLS = 100;
/** Nobody of the crowd is sent away for being slow while it is counted; that everybody is, limits.test.ts shows. */
const PATIENT = {
  ENTENTE_LIMITS_HANDSHAKE_TIMEOUT_MS: "300000",
  ENTENTE_LIMITS_HEADERS_TIMEOUT_MS: "300000",
  ENTENTE_LIMITS_REQUEST_TIMEOUT_MS: "300000",
  ENTENTE_LIMITS_KEEP_ALIVE_TIMEOUT_MS: "300000",
  // The known poller asks as fast as it can, which may be faster than a poller's own limit.
  ENTENTE_LIMITS_POLL_BURST: "100000",
};

it("S36, S59: 2,000 idle connections and 200 slow ones from three other addresses leave a known poller served", {
  timeout: 120_000,
}, async () => {
  const broker = await startProcess(temporaryFolder(), PATIENT);
  const shop = await registerMesh(broker, "shop");
  const bank = await registerMesh(broker, "bank");
  await federate(broker, shop, bank);
  const path = `/p/${bank.pollerToken}/${shop.trustDomain}`;
  const portOf = (url: string) => Number(new URL(url).port);
  const asSpire = () => broker.pollSpiffe(path);
  const asIstiod = () => pollAsIstiod(portOf(broker.addresses.bundleWeb), path, { ca: broker.adminCa });
  expect((await asSpire()).status).toBe(200);

  const crowd = fork(CROWD, [portOf(broker.addresses.bundleSpiffe), IDLE, SLOW].map(String));
  onTestFinished(() => void crowd.kill("SIGKILL"));
  const standing = async () => (await once(crowd, "message"))[0] as Standing;
  const gathered = standing();
  let whole = false;
  void gathered.then(() => {
    whole = true;
  });
  const statuses: number[] = [];
  while (!whole) statuses.push((await asSpire()).status);
  expect((await gathered).open).toBe(IDLE + SLOW);
  for (let poll = 0; poll < POLLS; poll++) statuses.push((await (poll % 2 ? asIstiod : asSpire)()).status);
  let now: Standing;
  do {
    const asked = standing();
    crowd.send("how many are you?");
    now = await asked;
    // The polls may all have been quicker than the first slow byte.
  } while (now.dripped === 0);
  const { open, dripped } = now;

  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  expect(open).toBe(IDLE + SLOW);
  printCounts("a crowd at the bundle endpoint", {
    "connections open": open,
    "bytes dripped": dripped,
    "polls served": statuses.length,
  });
});
