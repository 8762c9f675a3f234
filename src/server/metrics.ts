import { statfs } from "node:fs/promises";
import { Counter, collectDefaultMetrics, Gauge, Registry } from "@prometheus-io/client";
import type { Counters } from "../bundle-endpoint/counters.ts";
import { EXPIRY_WARNING_MS } from "../features/pollers/poller.schema.ts";
import { pollersExpiringBefore } from "../features/pollers/poller.service.ts";
import type { ConnectionCounts } from "../listener/connection-counts.ts";
import type { Database } from "../store/tables.ts";
import type { Clock } from "../time.ts";

/** What the process measures of itself. */
export interface Metrics {
  /** A change was answered before the bundle endpoint served it. */
  readonly readYourWritesTimeouts: Counter;
  /** Prometheus text. */
  text(): Promise<string>;
}

/** The facts that are read when somebody asks. */
interface Sources {
  readonly counters: () => Counters;
  readonly adminConnections: ConnectionCounts["read"];
  readonly logSize: () => number;
  readonly db: Database;
  readonly clock: Clock;
  readonly dataFolder: string;
}

const pollersExpiring = async ({ db, clock }: Sources): Promise<number> =>
  pollersExpiringBefore(db, clock(), clock() + EXPIRY_WARNING_MS);

export function createMetrics(sources: Sources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const readYourWritesTimeouts = new Counter({
    name: "entente_read_your_writes_timeouts_total",
    help: "Changes that were answered before the bundle endpoint served them.",
    registers,
  });
  const endpoint = new Gauge({
    name: "entente_bundle_endpoint",
    help: "What the bundle endpoint counts: replies by status, deliveries, refused connections, since the start.",
    labelNames: ["counter"],
    registers,
  });
  const adminApi = new Gauge({
    name: "entente_admin_api",
    help: "What the admin API's listener counts: open and refused connections, since the start.",
    labelNames: ["counter"],
    registers,
  });
  const logSize = new Gauge({
    name: "entente_log_size",
    help: "Events in the log that every view has passed.",
    registers,
  });
  const expiring = new Gauge({
    name: "entente_pollers_expiring",
    help: "Unrevoked pollers whose URL ends within 14 days.",
    registers,
  });
  const free = new Gauge({
    name: "entente_data_free_ratio",
    help: "Free space of the data folder's file system, of all that is for this process, from 0 to 1.",
    registers,
  });
  return {
    readYourWritesTimeouts,
    async text() {
      for (const [counter, value] of Object.entries(sources.counters())) endpoint.set({ counter }, value);
      for (const [counter, value] of Object.entries(sources.adminConnections())) adminApi.set({ counter }, value);
      logSize.set(sources.logSize());
      // Without its database the process says all the rest of itself: one that is out of date would be believed.
      const count = await pollersExpiring(sources).catch(() => undefined);
      if (count === undefined) expiring.remove();
      else expiring.set(count);
      const { bavail, blocks } = await statfs(sources.dataFolder);
      free.set(blocks === 0 ? 1 : bavail / blocks);
      return registry.metrics();
    },
  };
}
