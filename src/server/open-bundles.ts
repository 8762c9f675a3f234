import { type Counters, countersBuffer, readCounters } from "../bundle-endpoint/counters.ts";
import type { ListenerCertificates } from "./certificates.ts";
import { loadBundles, pairOf, type ServedBundles, serveBundles, startBundles } from "./serve-bundles.ts";
import type { Starting } from "./starting.ts";

/** The bundle endpoint while it is opened, for whoever is opened beside it. */
export interface OpeningBundles {
  readonly serving: Promise<ServedBundles>;
  /** @throws {Error} until it serves */
  served(): ServedBundles;
  /** All zero until it serves. */
  counters(): Counters;
}

/**
 * Resolves when its thread has all that it is to serve first. It loads its modules while that is read, and renders it while
 * the admin API is loaded and built.
 */
export async function openBundles(starting: Starting, certificates: ListenerCertificates): Promise<OpeningBundles> {
  const { config, core, surroundings, listeners, writers, graceMs } = starting;
  const thread = startBundles(config, core, certificates, surroundings);
  const loading = loadBundles(core, thread);
  let bundles: ServedBundles | undefined;
  const serve = async (): Promise<ServedBundles> => {
    const served = await serveBundles(core, thread, await loading, surroundings);
    for (const listener of ["spiffe", "web"] as const)
      certificates.takenBy(listener, (next) => served.endpoint.useCertificates({ [listener]: pairOf(next) }));
    bundles = served;
    return served;
  };
  const serving = serve();
  // Whoever waits for it is told; until then others are opened.
  const settled = serving.catch(() => undefined);
  // While one request of the admin API is stalled, no poll is taken that would be cut (L7).
  listeners(async () => (await settled)?.endpoint.drain(graceMs()));
  // After its last request the thread serves what late changes of the admin API wait for.
  writers(async () => {
    const ended = await settled;
    if (!ended) return thread.abandon();
    await ended.follower.stop();
    await ended.endpoint.close();
  });
  await loading;
  return {
    serving,
    served: () => bundles ?? notYet(),
    counters: () => bundles?.endpoint.counters() ?? readCounters(countersBuffer()),
  };
}

function notYet(): never {
  throw new Error("nothing is asked of a broker that does not serve yet");
}
