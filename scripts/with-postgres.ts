/**
 * Runs a command with a PostgreSQL of its own: `node scripts/with-postgres.ts npx vitest run test/store`.
 * The command finds it by ENTENTE_TEST_POSTGRES_URL. Exits as the command does, and with 77 where there is no PostgreSQL.
 */
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { findPostgres, startCluster } from "./postgres/cluster.ts";

const NOT_RUN = 77;

const [command, ...parameters] = process.argv.slice(2);
const programs = findPostgres();
if (command === undefined || programs === undefined) {
  console.log("no PostgreSQL is installed: SQLite and PGlite alone were tested");
  process.exit(NOT_RUN);
}
console.log(execFileSync(join(programs, "postgres"), ["--version"], { encoding: "utf8" }).trim());
const cluster = await startCluster(programs);
const child = spawn(command, parameters, {
  env: { ...process.env, ENTENTE_TEST_POSTGRES_URL: cluster.url },
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void child.kill(signal));
const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? 1)));
await cluster.remove();
process.exit(code);
