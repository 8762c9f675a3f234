import { join } from "node:path";
import type { BundleEndpoint } from "../bundle-endpoint/host.ts";
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
import { brokerOf, type ServedAdmin, serveAdmin } from "./serve-admin.ts";
import { pairOf, serveBundles } from "./serve-bundles.ts";
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

  let endpoint: BundleEndpoint | undefined;
  let admin: ServedAdmin | undefined;
  const onRenew: OnRenew = (listener, certificate) => {
    if (listener === "admin") admin?.useCertificate(certificate);
    else
      void endpoint
        ?.useCertificates({ [listener]: pairOf(certificate) })
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

  const bundles = await serveBundles(config, core, certificates, surroundings);
  const { follower } = bundles;
  const running = bundles.endpoint;
  endpoint = running;
  const metrics = createMetrics({ counters: running.counters, logSize: () => follower.position, db, clock });
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
  const refusals = refusalRecorder({
    unitOfWork,
    tally: refusalTally(),
    clock,
    counters: running.counters,
    onError: onError("refusals could not be recorded"),
  });
  const uses = tokenUses({ db, onError: onError("token uses could not be written") });
  const isWritable = writability(db, () => performance.now());
  const loopDelay = watchLoopDelay();
  let stopping = false;
  const serving = await serveAdmin(
    config,
    {
      broker: brokerOf(config, core, bundles),
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
      loopDelayMs: loopDelay.p99Ms,
    },
    surroundings,
  );
  admin = serving;

  const addresses: Addresses = {
    admin: `https://${formatListenAddress(serving.address)}`,
    bundleSpiffe: `https://${formatListenAddress(running.addresses.spiffe)}`,
    bundleWeb: `https://${formatListenAddress(running.addresses.web)}`,
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
      running.notReady();
      await new Promise((resolve) => setTimeout(resolve, config.shutdownDelaySeconds * SECOND_MS));
      const graceMs = config.shutdownGraceSeconds * SECOND_MS;
      await Promise.all([closeWithin(serving.app, graceMs), running.close(graceMs)]);
      await follower.stop();
      // Nothing follows any more: what is still to be written waits for no view.
      core.waitFor(undefined);
      await deadlines.stop();
      await ca.stop();
      await refusals.stop();
      await uses.stop();
      certificates.stop();
      loopDelay.stop();
      await core.close();
    },
  };
}
