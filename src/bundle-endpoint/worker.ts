import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import type { Delivery } from "../features/deliveries/delivery.ts";
import { threadClock } from "../shared-clock.ts";
import { createPublication } from "../views/publication.ts";
import type { PublicationChange } from "../views/publication-inputs.ts";
import { clientOutbox } from "./clients.ts";
import { counterWriter } from "./counters.ts";
import { deliveryOutbox } from "./delivery.ts";
import { bundleHandler } from "./handler.ts";
import { keptNumbers } from "./kept-numbers.ts";
import { startListener } from "./listener.ts";
import type { Outgoing } from "./one-at-a-time.ts";
import { type Batch, type FromWorker, KEPT_FILES, type ToWorker, type WorkerData } from "./protocol.ts";
import { readiness } from "./readiness.ts";
import { unrecordedFetches } from "./unrecorded-fetches.ts";

/** How often the wall clock is held against the next deadline, in milliseconds: it may jump. */
const CLOCK_CHECK_MS = 250;

const options: WorkerData = workerData;
const port = parentPort;
if (port === null) throw new Error("bundle-endpoint/worker.ts runs as a worker thread; start it with host.ts");

const tell = (message: FromWorker): void => port.postMessage(message);
const clock = threadClock(options.clockOffset);
const counters = counterWriter(options.counters);
const numbers = keptNumbers(join(options.dataFolder, KEPT_FILES.numbers));
const fetches = unrecordedFetches(join(options.dataFolder, KEPT_FILES.fetches));
const publication = createPublication({
  ...options,
  onAhead: numbers.keep,
  fetchedBefore: fetches.left,
});
const ready = readiness(options.maxStaleMs);
const onNoted: Record<Batch["type"], () => void> = { deliveries: () => {}, clients: () => {} };
const outbox = deliveryOutbox(sendDeliveries, counters);
const clients = clientOutbox((batch) => handOver({ type: "clients", batch }), clock);
const outgoing: readonly Outgoing[] = [outbox, clients];

async function sendDeliveries(batch: readonly Delivery[]): Promise<void> {
  await handOver({ type: "deliveries", batch });
  for (const delivery of batch) fetches.recorded(delivery);
}

/** Resolves when the main thread has written it down. */
const handOver = (batch: Batch): Promise<void> =>
  new Promise((resolve) => {
    onNoted[batch.type] = resolve;
    tell(batch);
  });

function apply(change: PublicationChange): void {
  publication.apply(change, clock());
  ready.confirm(performance.now());
}

const handler = bundleHandler({
  publication,
  brokerTrustDomain: options.brokerTrustDomain,
  outbox,
  clients,
  onFirstFetch: fetches.add,
  counters,
  clock,
  limits: options.limits,
  unreadiness: () => ready.reasons(performance.now()),
  stopping: () => closing,
});
let closing = false;
const start = (profile: "spiffe" | "web") =>
  startListener(options.addresses[profile], options.certificates[profile], handler, options.limits, counters);
const { promise: loaded, resolve: listen } = Promise.withResolvers<void>();
port.on("message", (message: ToWorker) => {
  if (message.type === "load") return apply(message.change);
  if (message.type === "listen") return listen();
  if (message.type === "noted") return onNoted[message.what]();
  if (message.type === "fresh") return ready.confirm(performance.now());
  if (message.type === "not-ready") return ready.stop();
  const { id } = message;
  perform(message).then(
    () => tell({ type: "done", id }),
    (error: unknown) => tell({ type: "failed", id, message: error instanceof Error ? error.message : "unknown" }),
  );
});
await loaded;
const listeners = { spiffe: await start("spiffe"), web: await start("web") };

function watchClock(): void {
  const now = clock();
  publication.advance(now);
  numbers.retry();
  setTimeout(watchClock, Math.max(1, Math.min(CLOCK_CHECK_MS, publication.nextDeadline() - now))).unref();
}
watchClock();
setInterval(() => {
  for (const each of outgoing) each.send();
}, options.deliveryBatchMs).unref();
const flush = (): Promise<unknown> => Promise.all(outgoing.map((each) => each.flush()));

let drained: Promise<unknown> | undefined;
async function drain(graceMs: number): Promise<void> {
  closing = true;
  ready.stop();
  drained ??= Promise.all([listeners.spiffe.close(graceMs), listeners.web.close(graceMs)]);
  await drained;
}

async function perform(message: Extract<ToWorker, { id: number }>): Promise<unknown> {
  switch (message.type) {
    case "apply":
      return apply(message.change);
    case "certificates": {
      const { spiffe, web } = message.certificates;
      if (spiffe) listeners.spiffe.useCertificate(spiffe);
      if (web) listeners.web.useCertificate(web);
      return;
    }
    case "flush":
      return flush();
    case "drain":
      return drain(message.graceMs);
    case "close":
      await drain(0);
      return flush();
  }
}

tell({ type: "listening", addresses: { spiffe: listeners.spiffe.address, web: listeners.web.address } });
