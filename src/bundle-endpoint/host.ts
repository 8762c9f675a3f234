import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Delivery } from "../features/deliveries/delivery.ts";
import type { ClientSeen } from "../features/pollers/poller-client.ts";
import type { ListenAddress } from "../listen-address.ts";
import type { NumberAhead } from "../views/numbers-ahead.ts";
import type { PublicationChange } from "../views/publication-inputs.ts";
import { type Counters, countersBuffer, readCounters } from "./counters.ts";
import { leftNumbers } from "./kept-numbers.ts";
import {
  type Batch,
  type FromWorker,
  KEPT_FILES,
  type Profile,
  type ToWorker,
  type WorkerData,
  type WorkerOptions,
} from "./protocol.ts";
import type { ServingCertificate } from "./tls-options.ts";

export interface BundleEndpointOptions extends WorkerOptions {
  /** Writes deliveries to the ledger. A batch that is refused is offered again each second. */
  readonly onDeliveries: (batch: readonly Delivery[]) => void | Promise<void>;
  /** Writes down which clients poll with whose URL; offered again likewise. */
  readonly onClients: (batch: readonly ClientSeen[]) => void | Promise<void>;
  /** The worker thread died, and with it the public listener. */
  readonly onFatal: (error: Error) => void;
}

/** The thread of a public listener that does not listen yet: it loads what it needs while others go on with the start. */
export interface BundleThread {
  /** Served from the first connection on. Without any, polls are answered 503 until the first `apply`. */
  load(change: PublicationChange): void;
  /** @throws {Error} the reason why it cannot listen */
  listen(): Promise<BundleEndpoint>;
  /** Ends a thread that will not listen. */
  abandon(): Promise<void>;
}

/** The public listener, in a thread of its own: no commit, query or busy loop of the main thread delays a poll. */
export interface BundleEndpoint {
  /** Where it really listens. */
  readonly addresses: Readonly<Record<Profile, ListenAddress>>;
  /** Resolves when the change is served. Changes are applied in the order of the calls. */
  apply(change: PublicationChange): Promise<void>;
  /** The log was read and had no news: what is served is not stale (L8). */
  confirmFresh(): void;
  /** Serves new connections with other certificates. Rejects, and keeps the old one, where one is unusable. */
  useCertificates(certificates: Partial<Record<Profile, ServingCertificate>>): Promise<void>;
  counters(): Counters;
  /** Resolves when every delivery so far is in the ledger. */
  flush(): Promise<void>;
  /** `/readyz` fails from now on; polls are served (L7). */
  notReady(): void;
  /** Stops accepting, and resolves when open requests have ended, after `graceMs` at the latest; changes are still applied (L7). */
  drain(graceMs: number): Promise<void>;
  /** Flushes deliveries and ends the thread; what was not drained is cut off. */
  close(): Promise<void>;
}

const RETRY_MS = 1000;

/** @throws {StartRefusal} what an earlier thread kept cannot be read */
export function startBundleThread(options: BundleEndpointOptions): BundleThread {
  const { onDeliveries, onClients, onFatal, ...workerOptions } = options;
  const counters = countersBuffer();
  const data: WorkerData = { ...workerOptions, counters, ahead: readKept(options.dataFolder) };
  const worker = new Worker(workerFile(), { workerData: data, name: "bundle-endpoint" });
  const calls = pendingCalls();
  let closing = false;

  const listening = Promise.withResolvers<BundleEndpoint["addresses"]>();
  let isListening = false;
  // Whoever calls `listen` is told, however much sooner the thread ended.
  listening.promise.catch(() => {});
  const fail = (error: Error) => {
    calls.failAll(error);
    if (!isListening) listening.reject(error);
    else if (!closing) onFatal(error);
    closing = true;
  };
  worker.on("error", (error) => fail(error instanceof Error ? error : new Error(String(error))));
  worker.on("exit", (code) => fail(new Error(`the bundle endpoint's thread ended with code ${code}`)));
  worker.on("message", (message: FromWorker) => {
    if (message.type === "deliveries") void record(message.type, () => onDeliveries(message.batch));
    else if (message.type === "clients") void record(message.type, () => onClients(message.batch));
    else if (message.type === "done") calls.settle(message.id);
    else if (message.type === "failed") calls.settle(message.id, new Error(message.message));
    else {
      isListening = true;
      listening.resolve(message.addresses);
    }
  });

  async function record(what: Batch["type"], write: () => void | Promise<void>): Promise<void> {
    for (;;) {
      try {
        await write();
        break;
      } catch {
        // At shutdown a store that cannot be written loses the batch: a retirement is later by it, a client is seen again.
        if (closing) break;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    tell({ type: "noted", what });
  }

  const tell = (message: ToWorker): void => worker.postMessage(message);
  const call = (make: (id: number) => ToWorker): Promise<void> => calls.start((id) => tell(make(id)));

  const endpoint = (addresses: BundleEndpoint["addresses"]): BundleEndpoint => ({
    addresses,
    apply: (change) => call((id) => ({ type: "apply", id, change })),
    confirmFresh: () => tell({ type: "fresh" }),
    useCertificates: (certificates) => call((id) => ({ type: "certificates", id, certificates })),
    counters: () => readCounters(counters),
    flush: () => call((id) => ({ type: "flush", id })),
    notReady: () => tell({ type: "not-ready" }),
    drain: (graceMs) => call((id) => ({ type: "drain", id, graceMs })),
    async close() {
      if (closing) return;
      closing = true;
      await call((id) => ({ type: "close", id }));
      await worker.terminate();
    },
  });
  return {
    load: (change) => tell({ type: "load", change }),
    async listen() {
      tell({ type: "listen" });
      return endpoint(await listening.promise);
    },
    async abandon() {
      closing = true;
      await worker.terminate();
    },
  };
}

/** Here, where a start can still be refused with what mends it: an error of the thread comes across without its kind. */
function readKept(dataFolder: string): readonly NumberAhead[] {
  closeSync(openSync(join(dataFolder, KEPT_FILES.fetches), "a", 0o600));
  return leftNumbers(join(dataFolder, KEPT_FILES.numbers));
}

/** As source it is TypeScript, in a build JavaScript. */
const workerFile = (): URL => new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);

function pendingCalls() {
  const pending = new Map<number, PromiseWithResolvers<void>>();
  let dead: Error | null = null;
  let lastId = 0;
  return {
    start(send: (id: number) => void): Promise<void> {
      if (dead !== null) return Promise.reject(dead);
      const id = ++lastId;
      const answer = Promise.withResolvers<void>();
      pending.set(id, answer);
      send(id);
      return answer.promise;
    },
    settle(id: number, error?: Error): void {
      const answer = pending.get(id);
      pending.delete(id);
      if (error === undefined) answer?.resolve();
      else answer?.reject(error);
    },
    failAll(error: Error): void {
      dead = error;
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    },
  };
}
