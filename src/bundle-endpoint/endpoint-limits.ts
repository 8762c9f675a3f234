import type { GuardLimits } from "../listener/connection-guard.ts";
import type { ServerLimits } from "../listener/server-options.ts";

/** How much of the public listener one caller may take. The names are those of the configuration's limits. */
export interface EndpointLimits extends GuardLimits, ServerLimits {
  /** Polls by unknown tokens a minute an address (S36). */
  readonly unknownPollersPerMinute: number;
  /** Polls a second, and at once, a poller's token (S36). */
  readonly pollsPerSecond: number;
  readonly pollBurst: number;
}
