import { refusalTally } from "../features/audit/refusals.ts";
import type { ListenAddress } from "../listen-address.ts";
import { connectionCounts } from "../listener/connection-counts.ts";
import type { ListenerCertificates } from "./certificates.ts";
import type { LoopDelay } from "./loop-delay.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { OpeningBundles } from "./open-bundles.ts";
import { refusalRecorder } from "./refusal-recorder.ts";
import { brokerOf, buildAdmin, closeAdmin, listenAdmin, useAdminCertificate } from "./serve-admin.ts";
import type { Starting } from "./starting.ts";
import { logsErrors } from "./surroundings.ts";
import { tokenUses } from "./token-uses.ts";
import { writability } from "./writability.ts";

/** The admin API, built. */
export interface OpenAdmin {
  readonly metrics: Metrics;
  /** @throws {StartRefusal} when it cannot listen */
  listen(): Promise<ListenAddress>;
}

export async function openAdmin(
  starting: Starting,
  parts: {
    readonly certificates: ListenerCertificates;
    readonly bundles: OpeningBundles;
    readonly loopDelay: LoopDelay;
    readonly isStopping: () => boolean;
  },
): Promise<OpenAdmin> {
  const { config, core, surroundings, listeners, writers, graceMs } = starting;
  const { certificates, bundles, loopDelay, isStopping } = parts;
  const { db, unitOfWork, clock, dataFolder } = core;
  const { counters, served } = bundles;
  const onError = logsErrors(surroundings);
  const connections = connectionCounts();
  const metrics = createMetrics({
    counters,
    adminConnections: connections.read,
    logSize: () => served().follower.position,
    db,
    clock,
    dataFolder,
  });
  const refusals = refusalRecorder({
    unitOfWork,
    tally: refusalTally(),
    clock,
    counters,
    onError: onError("refusals could not be recorded"),
  });
  writers(refusals.stop);
  const uses = tokenUses({ db, onError: onError("token uses could not be written") });
  writers(uses.stop);
  const { isWritable, noteUnavailable } = writability(db, surroundings.monotonic, core.changeFailedAt);
  const health = {
    async unreadiness() {
      const reasons = isStopping() ? ["stopping"] : [];
      return (await isWritable()) ? reasons : [...reasons, "database-not-writable"];
    },
    metrics: metrics.text,
  };
  const building = buildAdmin(
    config,
    {
      broker: brokerOf(config, core, served),
      health,
      refusals: {
        async refused(request, refusal) {
          if (refusal.code === "storage-unavailable") noteUnavailable();
          await refusals.refused(request, refusal);
        },
      },
      uses,
      connections,
      certificate: certificates.admin.first,
      loopDelayMs: loopDelay.p99Ms,
    },
    surroundings,
  );
  listeners(async () => {
    const ended = await building.catch(() => undefined);
    if (ended) await closeAdmin(ended, graceMs());
    // A change that was still answered was served before; what the process itself still writes waits for no view.
    core.waitFor(undefined);
  });
  const app = await building;
  certificates.takenBy("admin", async (next) => useAdminCertificate(app, next));
  return { metrics, listen: () => listenAdmin(config, app) };
}
