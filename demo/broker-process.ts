import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanEnvironment } from "./environment.ts";

/** The broker's own trust domain in the demo. */
export const BROKER_TRUST_DOMAIN = "broker.example";

/** What the broker writes into its data folder once it is up. */
export interface RunningBroker {
  readonly addresses: { readonly admin: string; readonly bundleSpiffe: string; readonly bundleWeb: string };
  /** The file with the CA that its listeners' certificates come from. */
  readonly caFile: string;
  readonly caPem: string;
  readonly operatorToken: string;
}

const ROOT = join(import.meta.dirname, "..");
const PATIENCE_MS = 20_000;

/**
 * Starts the real server as a process of its own with a fresh data folder and free ports, and waits until it is up.
 * @throws {Error} with the end of its log when it is not up in time
 */
export async function startBroker(folder: string, started: (child: ChildProcess) => void): Promise<RunningBroker> {
  const data = join(folder, "data");
  const logFile = join(folder, "broker.log");
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(process.execPath, [join(ROOT, "src/main.ts")], {
    cwd: folder,
    stdio: ["ignore", log, log],
    env: {
      ...cleanEnvironment(),
      ENTENTE_DATA: data,
      ENTENTE_TRUST_DOMAIN: BROKER_TRUST_DOMAIN,
      ENTENTE_ADMIN_ADDRESS: "127.0.0.1:0",
      ENTENTE_BUNDLE_ADDRESS: "127.0.0.1:0",
      ENTENTE_BUNDLE_WEB_ADDRESS: "127.0.0.1:0",
      ENTENTE_SHUTDOWN_DELAY_SECONDS: "0",
      ENTENTE_SHUTDOWN_GRACE_SECONDS: "1",
    },
  });
  closeSync(log);
  started(child);
  const files = ["addresses.json", "admin-ca.pem", "operator-token"].map((name) => join(data, name));
  for (let waited = 0; !files.every((file) => existsSync(file)); waited += 50) {
    if (child.exitCode !== null || waited > PATIENCE_MS) {
      const tail = readFileSync(logFile, "utf8").split("\n").slice(-20).join("\n");
      throw new Error(`the broker did not start (exit ${child.exitCode}):\n${tail}`);
    }
    await sleep(50);
  }
  const [addresses = "", caPem = "", operatorToken = ""] = files.map((file) => readFileSync(file, "utf8"));
  return {
    addresses: JSON.parse(addresses) as RunningBroker["addresses"],
    caFile: files[1] ?? "",
    caPem,
    operatorToken: operatorToken.trim(),
  };
}
