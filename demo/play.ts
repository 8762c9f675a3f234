import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminApi } from "./api.ts";
import { startBroker } from "./broker-process.ts";
import { readTheTrail } from "./chapters/audit.ts";
import { meetTheBroker } from "./chapters/broker.ts";
import { rotateCarelessly } from "./chapters/careless-rotation.ts";
import { trustByConsent } from "./chapters/consent.ts";
import { joinThree } from "./chapters/meshes.ts";
import { refuse } from "./chapters/refusals.ts";
import { rotateSafely } from "./chapters/rotation.ts";
import { withdraw } from "./chapters/withdrawal.ts";
import { startMesh } from "./mesh-process.ts";
import { newProcesses, type Processes } from "./processes.ts";
import { newSecrets, type Secrets } from "./secrets.ts";
import { openStage, type Stage } from "./stage.ts";
import type { World } from "./world.ts";

/** The story stops itself after so long. */
const WATCHDOG_MS = 60_000;
const INTERRUPTED = 130;

interface Theatre {
  readonly folder: string;
  readonly processes: Processes;
  readonly secrets: Secrets;
  readonly stage: Stage;
}

/** Plays the story from start to end and cleans up after it. Returns the exit code: 0 if every step came out as expected. */
export async function play({ keep }: { keep: boolean }): Promise<number> {
  const started = performance.now();
  const secrets = newSecrets();
  const interrupted = Promise.withResolvers<void>();
  let silent = false;
  const theatre: Theatre = {
    folder: mkdtempSync(join(tmpdir(), "entente-demo-")),
    processes: newProcesses(),
    secrets,
    stage: openStage({
      write: (line) => silent || console.log(line),
      redact: secrets.redact,
      clock: () => performance.now(),
    }),
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      silent = true;
      interrupted.resolve();
    });
  }
  const watchdog = setTimeout(() => {
    console.error(`\ndemo: stopped after ${WATCHDOG_MS / 1000} seconds`);
    theatre.processes.kill();
    strike(theatre);
    process.exit(1);
  }, WATCHDOG_MS);

  try {
    const ended = await Promise.race([perform(theatre), interrupted.promise.then(() => "interrupted" as const)]);
    clearTimeout(watchdog);
    if (ended === "interrupted") return INTERRUPTED;
    writeRecords(theatre);
    const failures = theatre.stage.records.filter(({ ok }) => !ok).length;
    console.log(
      `\n${theatre.stage.records.length - failures} steps as expected, ${failures} not, in ${seconds(started)} s. Written to demo.json.`,
    );
    if (keep) {
      stayUp(theatre, ended);
      await interrupted.promise;
    }
    return failures === 0 ? 0 : 1;
  } catch (error) {
    console.error(`\ndemo: ${secrets.redact(error instanceof Error ? error.message : String(error))}`);
    return 1;
  } finally {
    clearTimeout(watchdog);
    await theatre.processes.end();
    strike(theatre);
  }
}

const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);

async function perform({ folder, processes, secrets, stage }: Theatre): Promise<World> {
  console.log(
    "Entente: one mesh's CA in, its peer's trust out. Each ✔ is a real call; below it, the line that does the same.\nThe broker starts ...",
  );
  const broker = await startBroker(folder, processes.add);
  secrets.put("OPERATOR_TOKEN", broker.operatorToken);
  const api = adminApi({ url: broker.addresses.admin, caPem: broker.caPem, folder, secrets });
  const parts = {
    stage,
    secrets,
    broker,
    api,
    startMesh: (profile: Parameters<World["startMesh"]>[0]) => startMesh(profile, processes.add),
  };
  const world: World = { ...parts, brokerRoots: await meetTheBroker(parts) };
  const cast = await joinThree(world);
  const federation = await trustByConsent(world, cast);
  await rotateCarelessly(world, await rotateSafely(world, cast));
  await refuse(world, cast);
  await withdraw(world, cast, federation);
  await readTheTrail(world);
  return world;
}

/** Says where everything is, and how to go on by hand. */
function stayUp({ folder, secrets }: Theatre, { broker }: World): void {
  const file = join(folder, "variables.sh");
  const { admin, bundleSpiffe, bundleWeb } = broker.addresses;
  const variables = { ADMIN: admin, SPIFFE: bundleSpiffe, WEB: bundleWeb, CA: broker.caFile, DEMO: folder };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  writeFileSync(file, [...lines, ...secrets.exports(), ""].join("\n"), { mode: 0o600 });
  console.log(`
Everything stays up until Ctrl-C: the admin API at ${admin}, bundles at ${bundleSpiffe} (https_spiffe) and ${bundleWeb} (https_web).
The tokens are in a file that only you can read. After
  . ${file}
each curl line above works as it stands.`);
}

/** Also when the story broke off: what was shown until then. */
function writeRecords({ stage }: Theatre): void {
  writeFileSync("demo.json", `${JSON.stringify(stage.records, null, 2)}\n`);
}

/** Writes down what was shown, and takes everything else away. */
function strike(theatre: Theatre): void {
  writeRecords(theatre);
  rmSync(theatre.folder, { recursive: true, force: true, maxRetries: 5 });
}
