import { addressKey } from "../address-key.ts";
import { Refusal } from "../errors.ts";
import type { Caller } from "../features/access/caller.ts";
import type { AdminLimits, Throttle } from "../http/admin-limits.ts";
import { rateLimiter } from "../rate-limiter.ts";
import { MINUTE_MS } from "../time.ts";

const MAX_ADDRESSES = 100_000;
const MAX_TOKENS = 10_000;

/** The admin API's limits (S22, S28), in memory: an attacker's address is slowed down, a token never locked. */
export function adminThrottle(limits: AdminLimits, monotonic: () => number): Throttle {
  const perMinute = limits.failedLoginsPerMinute;
  const requests = rateLimiter({
    perSecond: limits.requestsPerSecond,
    burst: limits.requestBurst,
    maxKeys: MAX_TOKENS,
  });
  const operatorRequests = rateLimiter({
    perSecond: limits.operatorRequestsPerSecond,
    burst: limits.operatorRequestBurst,
    maxKeys: MAX_TOKENS,
  });
  const failures = new Map<string, { since: number; count: number }>();

  const recent = (source: string) => {
    const key = addressKey(source);
    const found = failures.get(key);
    return found && monotonic() - found.since < MINUTE_MS ? found : undefined;
  };

  return {
    beforeLogin(source) {
      const found = recent(source);
      if (!found || found.count < perMinute) return;
      const retryAfterSeconds = Math.ceil((found.since + MINUTE_MS - monotonic()) / 1000);
      throw new Refusal("too-many-requests", "too many refused credentials from this address", {
        extra: { retryAfterSeconds },
      });
    },
    failedLogin(source) {
      const found = recent(source) ?? { since: monotonic(), count: 0 };
      found.count += 1;
      if (failures.size >= MAX_ADDRESSES) failures.delete(failures.keys().next().value ?? "");
      failures.set(addressKey(source), found);
    },
    request(caller: Caller) {
      const limiter = caller.role === "operator" ? operatorRequests : requests;
      if (!limiter.admit(caller.id, monotonic()))
        throw new Refusal("too-many-requests", "too many requests with this credential", {
          extra: { retryAfterSeconds: 1 },
        });
      return limiter.allowance(caller.id, monotonic());
    },
  };
}
