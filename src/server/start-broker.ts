import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { countersBuffer, readCounters } from "../bundle-endpoint/counters.ts";
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
import { type Opened, openedParts } from "./opened.ts";
import { refusalRecorder } from "./refusal-recorder.ts";
import { loadBundles, pairOf, type ServedBundles, serveBundles, startBundles } from "./serve-bundles.ts";
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

/** How long a stop takes beside its pauses, at most: what the database has not taken by then it does not take. */
const STOP_MS = 3 * SECOND_MS;

/**
 * Starts a whole broker in this process: store, log follower, bundle endpoint (a thread), admin API. Where it fails, or
 * is told to stop meanwhile, what was opened is closed.
 * @throws {StartRefusal} why it cannot start like this, and what mends it
 */
export async function startBroker(config: Config, surroundings: Surroundings): Promise<RunningBroker> {
  const opened = openedParts();
  try {
    return await start(config, surroundings, opened);
  } catch (error) {
    await opened.close(STOP_MS).catch(logsErrors(surroundings)("what a start had opened was not closed"));
    throw error;
  }
}

async function start(config: Config, surroundings: Surroundings, opened: Opened): Promise<RunningBroker> {
  const { logger, random, timers = systemTimers, monotonic = () => performance.now(), stop } = surroundings;
  const onError = logsErrors(surroundings);
  stop?.throwIfAborted();
  const core = await openCore(config, surroundings);
  const { db, clock, unitOfWork, dataFolder } = core;
  opened.layer()(core.close);
  stop?.throwIfAborted();
  const writer = opened.layer();
  const graceMs = config.shutdownGraceSeconds * SECOND_MS;

  let bundles: ServedBundles | undefined;
  let app: FastifyInstance | undefined;
  const served = (): ServedBundles => bundles ?? notYet();
  const onRenew: OnRenew = async (listener, certificate) => {
    if (listener === "admin") (await import("./serve-admin.ts")).useAdminCertificate(app ?? notYet(), certificate);
    else await served().endpoint.useCertificates({ [listener]: pairOf(certificate) });
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
  writer(certificates.stop);
  // It loads its modules while its first bundles are read, and renders those while the admin API is loaded and built.
  const thread = startBundles(config, core, certificates, surroundings);
  let serving: Promise<ServedBundles> | undefined;
  writer(async () => {
    const ended = await serving?.catch(() => undefined);
    if (!ended) return thread.abandon();
    await ended.follower.stop();
    await ended.endpoint.close();
  });
  serving = serveBundles(core, thread, await loadBundles(core, thread), surroundings);
  // Whoever waits for it is told; until then others are opened.
  serving.catch(() => {});
  const { brokerOf, buildAdmin, closeAdmin, listenAdmin } = await import("./serve-admin.ts");

  const counters = () => bundles?.endpoint.counters() ?? readCounters(countersBuffer());
  const metrics = createMetrics({ counters, logSize: () => served().follower.position, db, clock, dataFolder });
  const refusals = refusalRecorder({
    unitOfWork,
    tally: refusalTally(),
    clock,
    counters,
    onError: onError("refusals could not be recorded"),
  });
  writer(refusals.stop);
  const uses = tokenUses({ db, onError: onError("token uses could not be written") });
  writer(uses.stop);
  const isWritable = writability(db, monotonic, core.changeFailedAt);
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
  const building = buildAdmin(config, parts, surroundings);
  // All listeners stop accepting together, and what is open has the same grace.
  const listener = opened.layer();
  listener(async () => {
    const ended = await building.catch(() => undefined);
    if (ended) await closeAdmin(ended, graceMs);
    // A change that was still answered was served before; what the process itself still writes waits for no view.
    core.waitFor(undefined);
  });
  listener(async () => (await serving?.catch(() => undefined))?.endpoint.drain(graceMs));
  [bundles, app] = await Promise.all([serving, building]);
  const { endpoint, follower } = bundles;
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
  writer(deadlines.stop);
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
  writer(ca.stop);
  // From here on, so that the start itself is no overload.
  const loopDelay = watchLoopDelay();
  writer(loopDelay.stop);
  stop?.throwIfAborted();

  const addresses: Addresses = {
    admin: `https://${formatListenAddress(await listenAdmin(config, app))}`,
    bundleSpiffe: `https://${formatListenAddress(endpoint.addresses.spiffe)}`,
    bundleWeb: `https://${formatListenAddress(endpoint.addresses.web)}`,
  };
  writeFileDurably(join(dataFolder, "addresses.json"), `${JSON.stringify(addresses, null, 2)}\n`);
  logger.info(addresses, "listening");

  return {
    addresses,
    async close() {
      stopping = true;
      endpoint.notReady();
      await setTimeout(config.shutdownDelaySeconds * SECOND_MS);
      if (!(await opened.close(graceMs + STOP_MS)))
        logger.warn("it stops without what the database did not take in time; nothing that was acknowledged is lost");
    },
  };
}

function notYet(): never {
  throw new Error("nothing is asked of a broker that does not serve yet");
}
