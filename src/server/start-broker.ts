import { mkdirSync, statSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { buildApp } from "../app.ts";
import { type BundleEndpoint, startBundleEndpoint } from "../bundle-endpoint/host.ts";
import { tlsOptions } from "../bundle-endpoint/tls-options.ts";
import type { Config } from "../config.ts";
import { writeFileDurably } from "../durable-file.ts";
import { requireValidActor } from "../features/access/authentication.service.ts";
import { refusalTally } from "../features/audit/refusals.ts";
import type { Broker } from "../features/broker.ts";
import { settle } from "../features/bundles/settle.service.ts";
import { saveDeliveries } from "../features/deliveries/delivery.service.ts";
import { openBrokerAuthority } from "../identity/broker-authority.ts";
import { fileKeyStore } from "../identity/key-store.ts";
import type { ServingCertificate } from "../identity/svid.ts";
import { formatListenAddress } from "../listen-address.ts";
import { type Randomness, randomId } from "../randomness.ts";
import { threadClock } from "../shared-clock.ts";
import { StartRefusal } from "../start-refusal.ts";
import { logSize, newestEvent } from "../store/event-log.ts";
import { createFollower, type Follower } from "../store/follower.ts";
import { migrate } from "../store/migrate.ts";
import { holdDataFolder } from "../store/single-server-lock.ts";
import { openSqlite } from "../store/sqlite.ts";
import type { Database } from "../store/tables.ts";
import { createUnitOfWork } from "../store/unit-of-work.ts";
import { HOUR_MS, SECOND_MS } from "../time.ts";
import { publicationView, readPublicationChange } from "../views/publication-view.ts";
import { keepCertificates, type OnRenew } from "./certificates.ts";
import { keepDeadlines } from "./deadline-keeper.ts";
import { checkTrustDomain, prepareFirstStart } from "./first-start.ts";
import { createMetrics } from "./metrics.ts";
import { refusalRecorder } from "./refusal-recorder.ts";
import { closeWithin } from "./shutdown.ts";
import { adminThrottle } from "./throttle.ts";
import { tokenUses } from "./token-uses.ts";
import { writability } from "./writability.ts";

/** Where a running broker really listens: URLs. */
export interface Addresses {
  readonly admin: string;
  readonly bundleSpiffe: string;
  readonly bundleWeb: string;
}

export interface RunningBroker {
  readonly addresses: Addresses;
  /** Not ready at once, then a pause for whoever balances load, then no new connection, then the end (L7). */
  close(): Promise<void>;
}

/** How long publications may go unconfirmed before the bundle endpoint says it is not ready (L8). */
const MAX_STALE_MS = HOUR_MS;
const FOLLOW_EVERY_MS = SECOND_MS;

/**
 * Starts a whole broker in this process: store, log follower, bundle endpoint (a thread), admin API.
 * @throws {StartRefusal} why it cannot start like this, and what mends it
 */
export async function startBroker(
  config: Config,
  surroundings: {
    readonly logger: Logger;
    readonly random: Randomness;
    /** Shared with the bundle endpoint's thread; moves the clock of both (tests). */
    readonly clockOffset?: SharedArrayBuffer;
    /** The bundle endpoint's thread died: the process must end. */
    readonly onFatal: (error: Error) => void;
  },
): Promise<RunningBroker> {
  const { logger, random, clockOffset } = surroundings;
  const clock = threadClock(clockOffset);
  const onError = (what: string) => (error: unknown) => logger.error({ err: error }, what);
  const dataFolder = openDataFolder(config.data);
  const letGo = holdDataFolder(join(dataFolder, "entente.lock"));
  const db = openSqlite(join(dataFolder, "entente.db"));
  await migrate(db, "sqlite");
  const generation = await checkTrustDomain(db, config.trustDomain);
  const authority = openBrokerAuthority({
    dataFolder,
    keys: fileKeyStore(join(dataFolder, "keys")),
    trustDomain: config.trustDomain,
    now: clock(),
    random,
  });

  // The follower comes to life below; nothing but the first start's own changes commits before it does.
  let follower: Follower | undefined;
  const unitOfWork = createUnitOfWork({
    db,
    clock,
    random,
    generation,
    admit: requireValidActor,
    settle,
    async committed(position) {
      const passed = (await follower?.passed(position, config.readYourWritesTimeoutMs)) ?? true;
      if (!passed) metrics.readYourWritesTimeouts.inc();
    },
  });
  const lastKnown = await newestEvent(db);
  const tokenFile = await prepareFirstStart({
    db,
    unitOfWork,
    authority,
    dataFolder,
    refreshHintSeconds: config.refreshHintSeconds,
    tokenSeconds: config.tokenSeconds,
  });
  if (tokenFile) logger.info({ file: tokenFile }, "the first operator token was written to a file");

  let endpoint: BundleEndpoint | undefined;
  let app: FastifyInstance | undefined;
  const onRenew: OnRenew = (listener, certificate) => {
    if (listener === "admin") setAdminCertificate(app, certificate);
    else
      void endpoint
        ?.useCertificates({ [listener]: pairOf(certificate) })
        .catch(onError("a new certificate was not taken"));
  };
  const certificates = keepCertificates({
    config,
    authority,
    clock,
    random,
    onRenew,
    onError: onError("a certificate was not renewed"),
  });

  const initial = await readEverything(db, generation);
  const running = await startBundleEndpoint({
    brokerTrustDomain: config.trustDomain,
    tombstoneSeconds: config.tombstoneSeconds,
    dataFolder,
    addresses: { spiffe: config.bundleAddress, web: config.bundleWebAddress },
    certificates: { spiffe: pairOf(certificates.spiffe.first), web: pairOf(certificates.web.first) },
    limits: config.limits,
    deliveryBatchMs: config.deliveryBatchMs,
    maxStaleMs: MAX_STALE_MS,
    ...(clockOffset ? { clockOffset } : {}),
    initial,
    onDeliveries: (batch) =>
      db
        .transaction()
        .execute((tx) => saveDeliveries(tx, batch))
        .catch((error: unknown) => {
          onError("deliveries are not in the ledger yet; they are offered again")(error);
          throw error;
        }),
    onFatal: surroundings.onFatal,
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall !== "listen") throw error;
    throw new StartRefusal(`the bundle endpoint cannot listen: ${error.message}`, error);
  });
  endpoint = running;
  follower = createFollower({
    db,
    views: [publicationView(running, generation)],
    everyMs: FOLLOW_EVERY_MS,
    onError: onError("the event log could not be followed"),
  });
  const metrics = createMetrics({ counters: running.counters, logSize: () => follower?.position ?? 0, db, clock });
  await follower.start(initial.upTo);
  const deadlines = keepDeadlines({
    db,
    unitOfWork,
    clock,
    monotonic: () => performance.now(),
    lastKnown,
    onError: onError("what the clock changed could not be recorded"),
  });

  const tally = refusalTally();
  const refusals = refusalRecorder({
    unitOfWork,
    tally,
    clock,
    counters: running.counters,
    onError: onError("refusals could not be recorded"),
  });
  const uses = tokenUses({ db, onError: onError("token uses could not be written") });
  const isWritable = writability(db, () => performance.now());
  let stopping = false;
  const bundleUrls = {
    spiffe: config.publicUrlSpiffe ?? `https://${formatListenAddress(running.addresses.spiffe)}`,
    web: config.publicUrlWeb ?? `https://${formatListenAddress(running.addresses.web)}`,
  };
  const broker: Broker = {
    db,
    unitOfWork,
    clock,
    trustDomain: config.trustDomain,
    generation,
    publicUrls: () => bundleUrls,
    tokenLives: { defaultSeconds: config.tokenSeconds, maxSeconds: config.maxTokenSeconds },
    invitationSeconds: config.invitationSeconds,
    refreshHintSeconds: config.refreshHintSeconds,
  };
  const admin = await buildApp({
    broker,
    health: {
      async unreadiness() {
        const reasons = stopping ? ["stopping"] : [];
        return (await isWritable()) ? reasons : [...reasons, "database-not-writable"];
      },
      metrics: metrics.text,
    },
    refusals,
    limits: config.limits,
    throttle: adminThrottle(config.limits, () => performance.now()),
    onAuthenticated: (caller) => uses.note(caller, clock()),
    logger,
    https: { ...tlsOptions(pairOf(certificates.admin.first)), handshakeTimeout: config.limits.handshakeTimeoutMs },
    newRequestId: () => randomId(random, "req"),
  });
  app = admin;
  await admin.listen(config.adminAddress).catch((error: unknown) => {
    throw new StartRefusal(
      `the admin API cannot listen on ${formatListenAddress(config.adminAddress)}: ${(error as Error).message}`,
      error,
    );
  });

  const addresses: Addresses = {
    admin: `https://${formatListenAddress({ host: config.adminAddress.host, port: (admin.server.address() as AddressInfo).port })}`,
    bundleSpiffe: `https://${formatListenAddress(running.addresses.spiffe)}`,
    bundleWeb: `https://${formatListenAddress(running.addresses.web)}`,
  };
  writeFileDurably(join(dataFolder, "admin-ca.pem"), authority.certificatePem);
  writeFileDurably(join(dataFolder, "addresses.json"), `${JSON.stringify(addresses, null, 2)}\n`);
  logger.info(addresses, "listening");

  return {
    addresses,
    async close() {
      stopping = true;
      running.notReady();
      await new Promise((resolve) => setTimeout(resolve, config.shutdownDelaySeconds * SECOND_MS));
      const graceMs = config.shutdownGraceSeconds * SECOND_MS;
      await Promise.all([closeWithin(admin, graceMs), running.close(graceMs)]);
      await follower?.stop();
      // Nothing follows any more: what is still to be written waits for no view.
      follower = undefined;
      await deadlines.stop();
      await refusals.stop();
      await uses.stop();
      certificates.stop();
      await db.destroy();
      letGo();
    },
  };
}

/** Made for its owner alone where it is absent; in one that others can list, each file guards itself (S62). */
function openDataFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (!statSync(path).isDirectory()) throw new Error("it is not a folder");
  } catch (error) {
    throw new StartRefusal(`the data folder ${path} cannot be used: ${(error as Error).message}`, error);
  }
  return path;
}

const pairOf = ({ chainPem, keyPem }: ServingCertificate) => ({ cert: chainPem, key: keyPem });

function setAdminCertificate(app: FastifyInstance | undefined, certificate: ServingCertificate): void {
  (app?.server as { setSecureContext?: (options: object) => void } | undefined)?.setSecureContext?.(
    tlsOptions(pairOf(certificate)),
  );
}

const readEverything = (db: Database, generation: number) =>
  db
    .transaction()
    .setIsolationLevel("repeatable read")
    .execute(async (tx) => readPublicationChange(tx, "everything", await logSize(tx), generation));
