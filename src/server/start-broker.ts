import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Config } from "../config.ts";
import { writeFileDurably } from "../durable-file.ts";
import { formatListenAddress } from "../listen-address.ts";
import { SECOND_MS } from "../time.ts";
import { systemTimers } from "../timers.ts";
import { keepCertificates } from "./certificates.ts";
import { keepGoing } from "./keep-going.ts";
import { loopDelayOfThread } from "./loop-delay.ts";
import { openBundles } from "./open-bundles.ts";
import { openCore } from "./open-core.ts";
import { type Opened, openedParts } from "./opened.ts";
import type { Starting } from "./starting.ts";
import { logsErrors, type Surroundings } from "./surroundings.ts";

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
    return await start(config, { timers: systemTimers, monotonic: () => performance.now(), ...surroundings }, opened);
  } catch (error) {
    await opened.close(STOP_MS).catch(logsErrors(surroundings)("what a start had opened was not closed"));
    throw error;
  }
}

async function start(config: Config, surroundings: Starting["surroundings"], opened: Opened): Promise<RunningBroker> {
  const { logger, stop } = surroundings;
  stop?.throwIfAborted();
  const core = await openCore(config, surroundings);
  opened.layer()(core.close);
  stop?.throwIfAborted();
  let graceMs = 0;
  let isStopping = false;
  const writers = opened.layer();
  const listeners = opened.layer();
  const starting: Starting = { config, core, surroundings, writers, listeners, graceMs: () => graceMs };

  const onError = logsErrors(surroundings)("a certificate was not renewed");
  const certificates = keepCertificates({ ...surroundings, ...core, config, onError });
  writers(certificates.stop);
  const loopDelay = loopDelayOfThread();
  writers(loopDelay.stop);
  const bundles = await openBundles(starting, certificates);
  const { openAdmin } = await import("./open-admin.ts");
  const [{ endpoint, follower }, admin] = await Promise.all([
    bundles.serving,
    openAdmin(starting, { certificates, bundles, loopDelay, isStopping: () => isStopping }),
  ]);
  core.waitFor(async (position) => {
    if (!(await follower.passed(position, config.readYourWritesTimeoutMs))) admin.metrics.readYourWritesTimeouts.inc();
  });
  await keepGoing(starting, certificates);
  // From here on, so that the start itself is no overload.
  loopDelay.watch();
  stop?.throwIfAborted();

  const addresses: Addresses = {
    admin: `https://${formatListenAddress(await admin.listen())}`,
    bundleSpiffe: `https://${formatListenAddress(endpoint.addresses.spiffe)}`,
    bundleWeb: `https://${formatListenAddress(endpoint.addresses.web)}`,
  };
  writeFileDurably(join(core.dataFolder, "addresses.json"), `${JSON.stringify(addresses, null, 2)}\n`);
  logger.info(addresses, "listening");

  return {
    addresses,
    async close() {
      isStopping = true;
      endpoint.notReady();
      await setTimeout(config.shutdownDelaySeconds * SECOND_MS);
      graceMs = config.shutdownGraceSeconds * SECOND_MS;
      if (!(await opened.close(graceMs + STOP_MS)))
        logger.warn("it stops without what the database did not take in time; nothing that was acknowledged is lost");
    },
  };
}
