import { makeBenchIdentity } from "./bench-bundle.ts";
import { type Child, startChild, startSilentChild } from "./child.ts";
import type { CommitAnswer, CpuAnswer, Load, ServerReady } from "./messages.ts";

/** CPU of one poll, side by side with a bare node:https server that serves the same bytes, in one run and interleaved. */
/** Short and many, so that what else the machine does falls on all alike. */
const ROUNDS = 30;
const WARM_UP_ROUNDS = 4;
const WORKLOADS = [
  { name: "new connection, 200", keepAlive: false, conditional: false, polls: 200, target: 1.0 },
  { name: "new connection, 304", keepAlive: false, conditional: true, polls: 200, target: 1.0 },
  { name: "keep-alive, 200", keepAlive: true, conditional: false, polls: 2000, target: 1.25 },
  { name: "keep-alive, 304", keepAlive: true, conditional: true, polls: 2000, target: 1.25 },
] as const;
const GROWTH_TARGET = 1.05;

interface Server extends ServerReady {
  readonly child: Child;
}

export async function measureBundleEndpoint(): Promise<void> {
  const identity = makeBenchIdentity();
  const start = async (file: string, ...args: string[]): Promise<Server> => {
    const { child, ready } = await startChild<ServerReady>(file, args, identity);
    return { child, ...ready };
  };
  const servers = [
    await start("bare-server.ts"),
    await start("entente-server.ts", "10"),
    await start("entente-server.ts", "10000"),
  ] as const;
  const generator = startSilentChild("load-generator.ts");
  try {
    const rows = [];
    for (const workload of WORKLOADS) rows.push(await measure(workload, servers, generator));
    console.table(Object.fromEntries(rows));
    console.table(await measureCommits(servers));
  } finally {
    for (const { child } of servers) child.stop();
    generator.stop();
  }
}

type Workload = (typeof WORKLOADS)[number];

async function measure(workload: Workload, servers: readonly [Server, Server, Server], generator: Child) {
  const rounds: number[][] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const cpu = [0, 0, 0];
    // There and back, so that a machine that slows down favours nobody.
    const order = round % 2 === 0 ? [0, 1, 2] : [2, 1, 0];
    for (const place of order) cpu[place] = await cpuPerPoll(workload, servers[place] as Server, generator);
    if (round >= 0) rounds.push(cpu);
  }
  const totals = [0, 1, 2].map((place) => rounds.reduce((sum, cpu) => sum + (cpu[place] ?? 0), 0));
  const [bare = 0, few = 0, many = 0] = totals.map((total) => total / ROUNDS);
  const row = {
    "bare µs": Math.round(bare),
    "ours µs": Math.round(few),
    "ours 10,000 µs": Math.round(many),
    "ours/bare": `${(few / bare).toFixed(2)} (≤ ${workload.target.toFixed(2)})`,
    "10,000/10 domains": `${(many / few).toFixed(2)} (≤ ${GROWTH_TARGET})`,
  };
  return [workload.name, row] as const;
}

async function cpuPerPoll({ keepAlive, conditional, polls }: Workload, server: Server, generator: Child) {
  const { child, port, paths, etag } = server;
  const load: Load = { port, paths, polls, keepAlive, etag: conditional ? etag : null };
  const before = await child.ask<CpuAnswer>({ ask: "cpu" });
  await generator.ask(load);
  const after = await child.ask<CpuAnswer>({ ask: "cpu" });
  return (after.cpu - before.cpu) / polls;
}

/** From the follower's hand-over of a committed change to the public listener serving it. */
async function measureCommits([, few, many]: readonly [Server, Server, Server]) {
  const delays = async ({ child }: Server) => {
    const { commitMs } = await child.ask<CommitAnswer>({ ask: "commit" });
    return { "median ms": median(commitMs).toFixed(2), "longest ms": Math.max(...commitMs).toFixed(2) };
  };
  return { "change served, 10 domains": await delays(few), "change served, 10,000 domains": await delays(many) };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
