import { type Rate, type RateLimiter, rateLimiter } from "../rate-limiter.ts";
import type { EndpointLimits } from "./endpoint-limits.ts";

/** S36: unknown tokens are limited by address, valid ones almost never and never by address (NAT). */
export interface TokenLimits {
  /** By address key. */
  readonly unknown: RateLimiter;
  /** By poller ID. */
  readonly valid: RateLimiter;
}

/** Seconds after which a refused caller may try again: the longest wait for one more of either kind. */
export const retryAfterSeconds = ({ unknownPollersPerMinute, pollsPerSecond }: EndpointLimits) => ({
  unknown: Math.ceil(60 / unknownPollersPerMinute),
  valid: Math.ceil(1 / pollsPerSecond),
});

const MAX_ADDRESSES = 50_000;
/** More than a broker has pollers (S22), so that no valid poller's count is ever forgotten. */
const MAX_POLLERS = 1_000_000;

export function tokenLimits(limits: EndpointLimits): TokenLimits {
  const unknown: Rate = {
    perSecond: limits.unknownPollersPerMinute / 60,
    burst: limits.unknownPollersPerMinute,
    maxKeys: MAX_ADDRESSES,
  };
  const valid: Rate = { perSecond: limits.pollsPerSecond, burst: limits.pollBurst, maxKeys: MAX_POLLERS };
  return { unknown: rateLimiter(unknown), valid: rateLimiter(valid) };
}
