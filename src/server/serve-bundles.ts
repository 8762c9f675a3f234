import { type BundleEndpoint, startBundleEndpoint } from "../bundle-endpoint/host.ts";
import type { Config } from "../config.ts";
import { saveDeliveries } from "../features/deliveries/delivery.service.ts";
import type { ServingCertificate } from "../identity/svid.ts";
import { StartRefusal } from "../start-refusal.ts";
import { logSize } from "../store/event-log.ts";
import { createFollower, type Follower } from "../store/follower.ts";
import { inTransaction } from "../store/transaction.ts";
import { HOUR_MS } from "../time.ts";
import type { PublicationChange } from "../views/publication-inputs.ts";
import { publicationView, readPublicationChange } from "../views/publication-view.ts";
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

/** @throws {StartRefusal} when it cannot listen */
export async function serveBundles(
  config: Config,
  core: Core,
  initial: PublicationChange,
  certificates: ListenerCertificates,
  surroundings: Surroundings,
): Promise<ServedBundles> {
  const { db, generation } = core;
  const { clockOffset, onFatal } = surroundings;
  const onError = logsErrors(surroundings);
  const endpoint = await startBundleEndpoint({
    brokerTrustDomain: config.trustDomain,
    tombstoneSeconds: config.tombstoneSeconds,
    dataFolder: core.dataFolder,
    addresses: { spiffe: config.bundleAddress, web: config.bundleWebAddress },
    certificates: { spiffe: pairOf(certificates.spiffe.first), web: pairOf(certificates.web.first) },
    limits: config.limits,
    deliveryBatchMs: config.deliveryBatchMs,
    maxStaleMs: MAX_STALE_MS,
    ...(clockOffset ? { clockOffset } : {}),
    initial,
    onDeliveries: (batch) =>
      inTransaction(db, (tx) => saveDeliveries(tx, batch)).catch((error: unknown) => {
        onError("deliveries are not in the ledger yet; they are offered again")(error);
        throw error;
      }),
    onFatal,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall !== "listen") throw error;
    throw new StartRefusal(`the bundle endpoint cannot listen: ${error.message}`, error);
  });
  const follower = createFollower({
    db,
    views: [publicationView(endpoint, generation)],
    everyMs: core.followEveryMs,
    onError: onError("the event log could not be followed"),
  });
  await follower.start(initial.upTo);
  return { endpoint, follower };
}

/** As the listeners take it. */
export const pairOf = ({ chainPem, keyPem }: ServingCertificate) => ({ cert: chainPem, key: keyPem });

/** What the bundle endpoint serves first, as the store has it. */
export const readEverything = ({ db, generation }: Core): Promise<PublicationChange> =>
  db
    .transaction()
    .setIsolationLevel("repeatable read")
    .execute(async (tx) => readPublicationChange(tx, "everything", await logSize(tx), generation));
