import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { Agent } from "node:https";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { nodeTransport } from "../../src/client/node-transport.ts";
import type { Client } from "../../src/client/operation.ts";
import type { Addresses } from "../../src/server/start-broker.ts";
import { type Answer, pollAsSpire } from "./poll.ts";
import { databaseOf } from "./postgres-server.ts";
import { type ApiAnswer, type ApiCall, exchange } from "./running-broker.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");
const LOOK_EVERY_MS = 10;

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The broker as `npm start` runs it: a process of its own. */
export interface BrokerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  /** Everything that it wrote to both outputs so far. */
  output(): string;
  end(signal: NodeJS.Signals): Promise<Ending>;
}

/** One that listens, and how to reach it. */
export interface ListeningProcess extends BrokerProcess {
  readonly addresses: Addresses;
  readonly operatorToken: string;
  readonly adminCa: string;
  api(method: string, path: string, call?: ApiCall): Promise<ApiAnswer>;
  as(token: string): Client;
  pollSpiffe(path: string, options?: { method?: string; headers?: Record<string, string> }): Promise<Answer>;
}

/** Starts the program on free ports with this data folder; it is killed when the test ends. */
export function spawnBroker(
  dataFolder: string,
  env: Readonly<Record<string, string>> = {},
  parameters: readonly string[] = [],
): BrokerProcess {
  const child = spawn(process.execPath, [MAIN, ...parameters], {
    env: {
      PATH: process.env.PATH ?? "",
      ENTENTE_DATA: dataFolder,
      ENTENTE_ADMIN_ADDRESS: "127.0.0.1:0",
      ENTENTE_BUNDLE_ADDRESS: "127.0.0.1:0",
      ENTENTE_TRUST_DOMAIN: "broker.example",
      ENTENTE_SHUTDOWN_DELAY_SECONDS: "0",
      ENTENTE_DELIVERY_BATCH_MS: "20",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const ended = new Promise<Ending>((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return ended;
  };
  onTestFinished(async () => {
    await end("SIGKILL");
  });
  return { child, ended, output: () => output, end };
}

/** A machine that does much else at once must not make a test's requests too many (L18). */
const PATIENT = { ENTENTE_LIMITS_LOOP_DELAY_MS: "600000", ENTENTE_LIMITS_CHANGE_WAIT_MS: "60000" };

/** Starts the program and waits until it listens. @throws {Error} with its output, where it ends instead */
export async function startProcess(
  dataFolder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ListeningProcess> {
  const addressFile = join(dataFolder, "addresses.json");
  rmSync(addressFile, { force: true });
  const process = spawnBroker(dataFolder, { ...PATIENT, ...(await databaseOf(dataFolder)), ...env });
  let ending: Ending | undefined;
  void process.ended.then((how) => {
    ending = how;
  });
  while (!existsSync(addressFile)) {
    if (ending) throw new Error(`the broker ended with ${JSON.stringify(ending)}:\n${process.output()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  const addresses = JSON.parse(readFileSync(addressFile, "utf8")) as Addresses;
  const adminCa = readFileSync(join(dataFolder, "admin-ca.pem"), "utf8");
  const tokenFile = join(dataFolder, "operator-token");
  const agent = new Agent({ ca: adminCa, keepAlive: true });
  void process.ended.then(() => agent.destroy());
  const transport = nodeTransport({ url: addresses.admin, ca: adminCa, agent });
  const trust = { ca: adminCa, spiffeId: "spiffe://broker.example/bundle-endpoint" };
  return {
    ...process,
    addresses,
    adminCa,
    // Of several servers on one database, the one that started first has it.
    operatorToken: existsSync(tokenFile) ? readFileSync(tokenFile, "utf8").trim() : "",
    api: (method, path, call = {}) => exchange(new URL(path, addresses.admin), method, agent, call),
    as: (token) => ({ transport, token }),
    pollSpiffe: (path, options) => pollAsSpire(Number(new URL(addresses.bundleSpiffe).port), path, trust, options),
  };
}
