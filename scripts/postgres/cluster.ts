import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";

/** A PostgreSQL of one's own on loopback: temporary data, no password, nothing that outlives its process. */
export interface Cluster {
  /** As its superuser. */
  readonly url: string;
  /** Starts the server again on the same data and port. */
  start(): Promise<void>;
  /** `immediate` is a crash: nothing is flushed, every session just ends. */
  stop(how: "fast" | "immediate"): Promise<void>;
  /** It holds its connections and answers nothing, until it goes on. */
  freeze(): void;
  goOn(): void;
  /** Stops it and removes the data. */
  remove(): Promise<void>;
}

const DEBIAN = "/usr/lib/postgresql";
const READY_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;

/** The folder of `initdb` and `postgres`: in PATH, or where Debian's package puts them; undefined without. */
export function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(DEBIAN, version, "bin")), ...(process.env.PATH ?? "").split(":")];
  return folders.find((folder) => ["initdb", "postgres"].every((program) => existsSync(join(folder, program))));
}

/** @param programs where `findPostgres` found them */
export async function startCluster(programs: string): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "entente-postgres-"));
  const user = unprivileged();
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const flags = ["--auth=trust", "--username=postgres", "--locale=C", "--encoding=UTF8", "--no-sync"];
  execFileSync(join(programs, "initdb"), ["-D", data, ...flags], { ...user, cwd: folder, stdio: "pipe" });
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const settings = { listen_addresses: "127.0.0.1", port, unix_socket_directories: folder, max_connections: 200 };
    const options = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    server = spawn(join(programs, "postgres"), ["-D", data, ...options], { ...user, cwd: folder, stdio: "ignore" });
    await ready(url, server);
  }
  async function stop(how: "fast" | "immediate"): Promise<void> {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    goOn();
    const ended = new Promise((resolve) => server?.once("close", resolve));
    server.kill(how === "fast" ? "SIGINT" : "SIGQUIT");
    await ended;
  }
  let frozen: number[] = [];
  function freeze(): void {
    const { pid = 0 } = server ?? {};
    // First the one that makes the others.
    process.kill(pid, "SIGSTOP");
    const sessions = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
    for (const session of sessions) process.kill(session, "SIGSTOP");
    frozen = [...sessions, pid];
  }
  function goOn(): void {
    for (const pid of frozen) process.kill(pid, "SIGCONT");
    frozen = [];
  }
  await start();
  return {
    url,
    start,
    stop,
    freeze,
    goOn,
    async remove() {
      await stop("immediate");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    const [uid, gid] = ["-u", "-g"].map((flag) => spawnSync("id", [flag, name], { encoding: "utf8" }));
    if (uid?.status === 0 && gid?.status === 0) return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  }
  return undefined;
}

async function ready(url: string, server: ChildProcess): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (server.exitCode !== null || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
