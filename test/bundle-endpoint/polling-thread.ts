import { once } from "node:events";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { pollAsSpire } from "../support/poll.ts";

export interface PollingResult {
  readonly polls: number;
  readonly longestMs: number;
}

/** A client in a thread of its own: it polls whatever the test's own thread does. */
export interface PollingThread {
  /** Polls one after the other for so long; the longest one tells. */
  pollFor(milliseconds: number): Promise<PollingResult>;
  stop(): Promise<number>;
}

export interface PollingTarget {
  readonly port: number;
  readonly path: string;
  readonly trust: { readonly ca: string; readonly spiffeId: string };
}

export async function startPollingThread(target: PollingTarget): Promise<PollingThread> {
  const worker = new Worker(new URL(import.meta.url), { workerData: target });
  await once(worker, "online");
  return {
    async pollFor(milliseconds) {
      worker.postMessage(milliseconds);
      const [result] = await once(worker, "message");
      return result as PollingResult;
    },
    stop: () => worker.terminate(),
  };
}

parentPort?.on("message", async (milliseconds: number) => {
  const { port, path, trust }: PollingTarget = workerData;
  const until = performance.now() + milliseconds;
  let polls = 0;
  let longestMs = 0;
  while (performance.now() < until) {
    const start = performance.now();
    const { status } = await pollAsSpire(port, path, trust);
    if (status === 200) polls++;
    longestMs = Math.max(longestMs, performance.now() - start);
  }
  parentPort?.postMessage({ polls, longestMs } satisfies PollingResult);
});
