import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The program as `npm start` runs it, on a folder of its own. */
export interface RunningServer {
  readonly process: ChildProcess;
  readonly folder: string;
  readonly operatorToken: string;
  readonly adminUrl: string;
  readonly adminCa: string;
  call(method: string, path: string, token: string, body?: unknown): Promise<{ status: number; body: string }>;
  stop(): Promise<void>;
}

const MAIN = join(import.meta.dirname, "..", "src", "main.ts");
const NO_LIMITS = [
  "REQUESTS_PER_SECOND",
  "REQUEST_BURST",
  "OPERATOR_REQUESTS_PER_SECOND",
  "OPERATOR_REQUEST_BURST",
  "FAILED_LOGINS_PER_MINUTE",
  "REVISIONS_PER_HOUR",
];

/**
 * @param folder data to start on, which stays; without it a new one, which goes
 * @param env further settings
 */
export async function runServer(folder?: string, env: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  const data = folder ?? mkdtempSync(join(tmpdir(), "entente-bench-"));
  rmSync(join(data, "addresses.json"), { force: true });
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      ENTENTE_DATA: data,
      ENTENTE_ADMIN_ADDRESS: "127.0.0.1:0",
      ENTENTE_BUNDLE_ADDRESS: "127.0.0.1:0",
      ENTENTE_TRUST_DOMAIN: "broker.example",
      ENTENTE_SHUTDOWN_DELAY_SECONDS: "0",
      ENTENTE_LOG_LEVEL: "error",
      ...Object.fromEntries(NO_LIMITS.map((name) => [`ENTENTE_LIMITS_${name}`, "100000"])),
      ...env,
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  while (!existsSync(join(data, "addresses.json"))) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const { admin } = JSON.parse(readFileSync(join(data, "addresses.json"), "utf8")) as { admin: string };
  const adminCa = readFileSync(join(data, "admin-ca.pem"), "utf8");
  const tokenFile = join(data, "operator-token");
  const agent = new Agent({ ca: adminCa, keepAlive: true });
  return {
    process: child,
    folder: data,
    adminUrl: admin,
    adminCa,
    // Of several servers on one database, the one that started first has it.
    operatorToken: existsSync(tokenFile) ? readFileSync(tokenFile, "utf8").trim() : "",
    call: (method, path, token, body) =>
      new Promise((resolve, reject) => {
        const headers = {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          ...(method === "POST" ? {} : { "if-match": "*" }),
        };
        const sent = request(new URL(path, admin), { method, agent, headers }, (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
        });
        sent.on("error", reject);
        sent.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    async stop() {
      agent.destroy();
      child.kill("SIGTERM");
      await ended;
      if (folder === undefined) rmSync(data, { recursive: true });
    },
  };
}
