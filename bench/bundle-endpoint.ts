import { makeBenchIdentity } from "./bench-bundle.ts";
import { type Child, startChild, startSilentChild } from "./child.ts";
import type { CommitAnswer, CpuAnswer, Load, ServerReady } from "./messages.ts";

/** CPU of one poll, side by side with a bare node:https server that serves the same bytes, in one run and interleaved. */
/**
 * Two processes of the same program differ by more than a tenth, whatever they are asked: so each is started anew as often
 * as here. Rounds are short and many, so that what else the machine does falls on all alike.
 */
const STARTS = 8;
const ROUNDS = 5;
const WARM_UP_ROUNDS = 1;
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

/** CPU of a poll in microseconds: of the bare server, of ours with few trust domains, and with many. */
type Cost = readonly [bare: number, few: number, many: number];

export async function measureBundleEndpoint(): Promise<void> {
  const identity = makeBenchIdentity();
  const generator = startSilentChild("load-generator.ts");
  const costs = new Map<Workload, Cost[]>(WORKLOADS.map((workload) => [workload, []]));
  const commits: Awaited<ReturnType<typeof measureCommits>>[] = [];
  try {
    for (let start = 0; start < STARTS; start++) {
      await withServers(identity, async (servers) => {
        // What a start leaves to be done, such as clearing the memory that it took, is of no poll.
        for (const workload of WORKLOADS) await measure(workload, servers, generator);
        for (const [workload, measured] of costs) measured.push(await measure(workload, servers, generator));
        commits.push(await measureCommits(servers));
      });
    }
  } finally {
    generator.stop();
  }
  console.table(
    Object.fromEntries([...costs].map(([workload, measured]) => [workload.name, rowOf(workload, measured)])),
  );
  console.table(commits.at(-1));
}

type Workload = (typeof WORKLOADS)[number];
type Servers = readonly [Server, Server, Server];

async function withServers(identity: NodeJS.ProcessEnv, act: (servers: Servers) => Promise<void>): Promise<void> {
  const start = async (file: string, ...args: string[]): Promise<Server> => {
    const { child, ready } = await startChild<ServerReady>(file, args, identity);
    return { child, ...ready };
  };
  const servers = [
    await start("bare-server.ts"),
    await start("entente-server.ts", "10"),
    await start("entente-server.ts", "10000"),
  ] as const;
  try {
    await act(servers);
  } finally {
    for (const { child } of servers) child.stop();
  }
}

async function measure(workload: Workload, servers: Servers, generator: Child): Promise<Cost> {
  const totals = [0, 0, 0];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    // There and back, so that a machine that slows down favours nobody.
    for (const place of round % 2 === 0 ? [0, 1, 2] : [2, 1, 0]) {
      const cpu = await cpuPerPoll(workload, servers[place] as Server, generator);
      if (round >= 0) totals[place] = (totals[place] ?? 0) + cpu / ROUNDS;
    }
  }
  return totals as unknown as Cost;
}

function rowOf({ target }: Workload, costs: readonly Cost[]) {
  const [bare = 0, few = 0, many = 0] = [0, 1, 2].map((place) => mean(costs.map((cost) => cost[place] ?? 0)));
  const growths = costs.map((cost) => cost[2] / cost[1]);
  return {
    "bare µs": Math.round(bare),
    "ours µs": Math.round(few),
    "ours 10,000 µs": Math.round(many),
    "ours/bare": `${(few / bare).toFixed(2)} (≤ ${target.toFixed(2)})`,
    "10,000/10 domains": `${(many / few).toFixed(2)} (≤ ${GROWTH_TARGET})`,
    "of single starts": `${Math.min(...growths).toFixed(2)} to ${Math.max(...growths).toFixed(2)}`,
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

async function cpuPerPoll({ keepAlive, conditional, polls }: Workload, server: Server, generator: Child) {
  const { child, port, paths, etag } = server;
  const load: Load = { port, paths, polls, keepAlive, etag: conditional ? etag : null };
  const before = await child.ask<CpuAnswer>({ ask: "cpu" });
  await generator.ask(load);
  const after = await child.ask<CpuAnswer>({ ask: "cpu" });
  return (after.cpu - before.cpu) / polls;
}

/** From the follower's hand-over of a committed change to the public listener serving it. */
async function measureCommits([, few, many]: Servers) {
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
