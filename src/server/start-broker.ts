import { join } from "node:path";
import type { Config } from "../config.ts";
import { writeFileDurably } from "../durable-file.ts";
import { refusalTally } from "../features/audit/refusals.ts";
import { formatListenAddress } from "../listen-address.ts";
import { SECOND_MS } from "../time.ts";
import { systemTimers } from "../timers.ts";
import { keepBrokerCa } from "./ca-keeper.ts";
import { keepCertificates, type OnRenew } from "./certificates.ts";
import { keepDeadlines } from "./deadline-keeper.ts";
import { watchLoopDelay } from "./loop-delay.ts";
import { createMetrics } from "./metrics.ts";
import { openCore } from "./open-core.ts";
import { refusalRecorder } from "./refusal-recorder.ts";
import { brokerOf, buildAdmin, type ServedAdmin, serveAdmin } from "./serve-admin.ts";
import { pairOf, readEverything, type ServedBundles, serveBundles } from "./serve-bundles.ts";
import { closeWithin } from "./shutdown.ts";
import { logsErrors, type Surroundings } from "./surroundings.ts";
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

/**
 * Starts a whole broker in this process: store, log follower, bundle endpoint (a thread), admin API.
 * @throws {StartRefusal} why it cannot start like this, and what mends it
 */
export async function startBroker(config: Config, surroundings: Surroundings): Promise<RunningBroker> {
  const { logger, random, timers = systemTimers, monotonic = () => performance.now() } = surroundings;
  const onError = logsErrors(surroundings);
  const core = await openCore(config, surroundings);
  const { db, clock, unitOfWork, dataFolder } = core;

  let bundles: ServedBundles | undefined;
  let admin: ServedAdmin | undefined;
  const served = (): ServedBundles => {
    if (!bundles) throw new Error("nothing is asked of a broker that does not serve yet");
    return bundles;
  };
  const onRenew: OnRenew = (listener, certificate) => {
    if (listener === "admin") admin?.useCertificate(certificate);
    else
      void bundles?.endpoint
        .useCertificates({ [listener]: pairOf(certificate) })
        .catch(onError("a new certificate was not taken"));
  };
  let { authority } = core;
  const certificates = keepCertificates({
    config,
    authority: () => authority,
    clock,
    monotonic,
    timers,
    random,
    onRenew,
    onError: onError("a certificate was not renewed"),
  });

  const counters = () => served().endpoint.counters();
  const metrics = createMetrics({ counters, logSize: () => served().follower.position, db, clock, dataFolder });
  const refusals = refusalRecorder({
    unitOfWork,
    tally: refusalTally(),
    clock,
    counters,
    onError: onError("refusals could not be recorded"),
  });
  const uses = tokenUses({ db, onError: onError("token uses could not be written") });
  const isWritable = writability(db, () => performance.now());
  let stopping = false;
  const parts = {
    broker: brokerOf(config, core, served),
    health: {
      async unreadiness() {
        const reasons = stopping ? ["stopping"] : [];
        return (await isWritable()) ? reasons : [...reasons, "database-not-writable"];
      },
      metrics: metrics.text,
    },
    refusals,
    uses,
    certificate: certificates.admin.first,
    loopDelayMs: () => loopDelay.p99Ms(),
  };
  const initial = await readEverything(core);
  // The thread renders what it serves meanwhile.
  const [serving, app] = await Promise.all([
    serveBundles(config, core, initial, certificates, surroundings),
    buildAdmin(config, parts, surroundings),
  ]);
  bundles = serving;
  const { endpoint, follower } = serving;
  core.waitFor(async (position) => {
    if (!(await follower.passed(position, config.readYourWritesTimeoutMs))) metrics.readYourWritesTimeouts.inc();
  });
  const deadlines = keepDeadlines({
    db,
    unitOfWork,
    clock,
    monotonic,
    lastKnown: core.lastKnown,
    isShared: config.databaseUrl !== undefined,
    onError: onError("what the clock changed could not be recorded"),
  });
  // From here on, so that the start itself is no overload.
  const loopDelay = watchLoopDelay();
  admin = await serveAdmin(config, app);

  const addresses: Addresses = {
    admin: `https://${formatListenAddress(admin.address)}`,
    bundleSpiffe: `https://${formatListenAddress(endpoint.addresses.spiffe)}`,
    bundleWeb: `https://${formatListenAddress(endpoint.addresses.web)}`,
  };
  const ca = await keepBrokerCa({
    ...core,
    trustDomain: config.trustDomain,
    monotonic,
    timers,
    random,
    onAuthority(next) {
      authority = next;
      certificates.reissue();
    },
    onCas: (pem) => writeFileDurably(join(dataFolder, "admin-ca.pem"), pem),
    onError: onError("the roll-over of the broker's CA did not go on; it is tried again"),
  });
  writeFileDurably(join(dataFolder, "addresses.json"), `${JSON.stringify(addresses, null, 2)}\n`);
  logger.info(addresses, "listening");

  return {
    addresses,
    async close() {
      stopping = true;
      endpoint.notReady();
      await new Promise((resolve) => setTimeout(resolve, config.shutdownDelaySeconds * SECOND_MS));
      const graceMs = config.shutdownGraceSeconds * SECOND_MS;
      const begun = performance.now();
      // A change that is still answered is served before that; what the process itself still writes waits for no view.
      await closeWithin(app, graceMs);
      core.waitFor(undefined);
      await deadlines.stop();
      await ca.stop();
      await refusals.stop();
      await uses.stop();
      await follower.stop();
      await endpoint.close(Math.max(0, graceMs - (performance.now() - begun)));
      certificates.stop();
      loopDelay.stop();
      await core.close();
    },
  };
}
