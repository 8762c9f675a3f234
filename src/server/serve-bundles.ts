import { setImmediate } from "node:timers/promises";
import { type BundleEndpoint, type BundleThread, startBundleThread } from "../bundle-endpoint/host.ts";
import type { Config } from "../config.ts";
import { saveDeliveries } from "../features/deliveries/delivery.service.ts";
import { noteClients } from "../features/pollers/poller-client.service.ts";
import type { ServingCertificate } from "../identity/svid.ts";
import { StartRefusal } from "../start-refusal.ts";
import { logSize } from "../store/event-log.ts";
import { createFollower, type Follower } from "../store/follower.ts";
import { inSnapshot, inTransaction } from "../store/transaction.ts";
import { HOUR_MS } from "../time.ts";
import { publicationView, readPublication } from "../views/publication-view.ts";
import type { ListenerCertificates } from "./certificates.ts";
import type { Core } from "./open-core.ts";
import { logsErrors, type Surroundings } from "./surroundings.ts";

/** How long publications may go unconfirmed before the bundle endpoint says it is not ready (L8). */
const MAX_STALE_MS = HOUR_MS;

/** The public listener, and what keeps it up with the log. */
export interface ServedBundles {
  readonly endpoint: BundleEndpoint;
  readonly follower: Follower;
}

export function startBundles(
  config: Config,
  core: Core,
  certificates: ListenerCertificates,
  surroundings: Surroundings,
): BundleThread {
  const { clockOffset, onFatal } = surroundings;
  const onError = logsErrors(surroundings);
  return startBundleThread({
    brokerTrustDomain: config.trustDomain,
    tombstoneSeconds: config.tombstoneSeconds,
    dataFolder: core.dataFolder,
    addresses: { spiffe: config.bundleAddress, web: config.bundleWebAddress },
    certificates: { spiffe: pairOf(certificates.spiffe.first), web: pairOf(certificates.web.first) },
    limits: config.limits,
    deliveryBatchMs: config.deliveryBatchMs,
    maxStaleMs: MAX_STALE_MS,
    ...(clockOffset ? { clockOffset } : {}),
    onDeliveries: (batch) =>
      inParts(batch, (some) => inTransaction(core.db, (tx) => saveDeliveries(tx, some))).catch((error: unknown) => {
        onError("deliveries are not in the ledger yet; they are offered again")(error);
        throw error;
      }),
    onClients: (batch) =>
      inParts(batch, (some) => noteClients(core.db, core.unitOfWork, some)).catch((error: unknown) => {
        onError("the kinds of clients that poll are not written down yet; they are offered again")(error);
        throw error;
      }),
    onFatal,
  });
}

/** What others wait for at most while that is written which gathered in an outage. */
const MOST_AT_ONCE = 250;

/** Written again, a part changes nothing: where it fails half-way the whole batch is offered again. */
async function inParts<T>(batch: readonly T[], write: (some: readonly T[]) => Promise<void>): Promise<void> {
  for (let from = 0; from < batch.length; from += MOST_AT_ONCE) {
    await write(batch.slice(from, from + MOST_AT_ONCE));
    if (batch.length > MOST_AT_ONCE) await setImmediate();
  }
}

/** Hands the thread what it serves first, as the store has it. @returns the newest event in it */
export const loadBundles = ({ db, generation }: Core, thread: BundleThread): Promise<number> =>
  inSnapshot(db, async (tx) => {
    const upTo = await logSize(tx);
    for await (const change of readPublication(tx, upTo, generation)) thread.load(change);
    return upTo;
  });

/** @param upTo the newest event that the thread knows @throws {StartRefusal} when it cannot listen */
export async function serveBundles(
  core: Core,
  thread: BundleThread,
  upTo: number,
  surroundings: Surroundings,
): Promise<ServedBundles> {
  const endpoint = await thread.listen().catch((error: NodeJS.ErrnoException) => {
    if (error.syscall !== "listen") throw error;
    throw new StartRefusal(`the bundle endpoint cannot listen: ${error.message}`, error);
  });
  const follower = createFollower({
    db: core.db,
    views: [publicationView(endpoint, core.generation)],
    everyMs: core.followEveryMs,
    onError: logsErrors(surroundings)("the event log could not be followed"),
  });
  follower.start(upTo);
  return { endpoint, follower };
}

/** As the listeners take it. */
export const pairOf = ({ chainPem, keyPem }: ServingCertificate) => ({ cert: chainPem, key: keyPem });
