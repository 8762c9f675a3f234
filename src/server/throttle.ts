import { hash } from "node:crypto";
import { addressKey } from "../address-key.ts";
import { overloaded } from "../errors.ts";
import type { Caller } from "../features/access/caller.ts";
import type { AdminLimits, Throttle } from "../http/admin-limits.ts";
import { rateLimiter } from "../rate-limiter.ts";
import { MINUTE_MS } from "../time.ts";

const MAX_ADDRESSES = 100_000;
const MAX_TOKENS = 10_000;
const MAX_HELD = 100_000;

/**
 * The admin API's limits (S22, S28), in memory and each server's own: an attacker's address is slowed down, a token never
 * locked. A credential that has held on this server passes an address's limit, so that nobody is shut out by a neighbour
 * behind the same NAT; whether it holds still is asked as ever.
 */
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
  const held = new Set<string>();

  const recentOf = (key: string) => {
    const found = failures.get(key);
    return found && monotonic() - found.since < MINUTE_MS ? found : undefined;
  };
  const recent = (source: string) => recentOf(addressKey(source));

  // As many at once as could all be refused. Where none may try, none waits: it is refused without a query.
  const room = (key: string) => Math.max(0, perMinute - (recentOf(key)?.count ?? 0)) || Number.POSITIVE_INFINITY;
  const takeTurn = turnsByKey(room);

  return {
    async inTurn(source, authorization, login) {
      const end = held.has(digestOf(authorization)) ? undefined : await takeTurn(addressKey(source));
      try {
        return await login();
      } finally {
        end?.();
      }
    },
    beforeLogin(source, authorization) {
      const { since, count } = recent(source) ?? { since: monotonic(), count: 0 };
      const resetSeconds = Math.ceil((since + MINUTE_MS - monotonic()) / 1000);
      return {
        policy: "refused-credentials",
        mayPass: count < perMinute || held.has(digestOf(authorization)),
        limit: perMinute,
        windowSeconds: MINUTE_MS / 1000,
        remaining: Math.max(0, perMinute - count),
        resetSeconds,
        retryAfterSeconds: resetSeconds,
      };
    },
    succeededLogin(authorization) {
      const digest = digestOf(authorization);
      if (held.has(digest)) return;
      if (held.size >= MAX_HELD) held.delete(held.keys().next().value ?? "");
      held.add(digest);
    },
    failedLogin(source, authorization) {
      // Whoever is known by a token and guesses at something else is stopped like anybody.
      held.delete(digestOf(authorization));
      const found = recent(source) ?? { since: monotonic(), count: 0 };
      found.count += 1;
      if (failures.size >= MAX_ADDRESSES) failures.delete(failures.keys().next().value ?? "");
      failures.set(addressKey(source), found);
    },
    request(caller: Caller) {
      const limiter = caller.role === "operator" ? operatorRequests : requests;
      const mayPass = limiter.admit(caller.id, monotonic());
      return { policy: "default", mayPass, ...limiter.allowance(caller.id, monotonic()), retryAfterSeconds: 1 };
    },
  };
}

const digestOf = (authorization = ""): string => hash("sha256", authorization, "base64url");

/** As long as changes wait for theirs (L18). */
const TURN_WAIT_MS = 2_000;

interface Turns {
  underWay: number;
  /** Each takes a turn if there is one. */
  readonly waiting: Set<() => void>;
}

/**
 * So many of a key at once as there is room for; the others wait for one of them to end.
 * @returns what takes a turn: it resolves, with what ends it, when there is room, or rejects with `overloaded`
 */
function turnsByKey(room: (key: string) => number): (key: string) => Promise<() => void> {
  const byKey = new Map<string, Turns>();
  return async (key) => {
    const turns = byKey.get(key) ?? { underWay: 0, waiting: new Set() };
    byKey.set(key, turns);
    await turnOf(turns, () => room(key));
    return () => {
      turns.underWay -= 1;
      for (const look of turns.waiting) look();
      if (turns.underWay === 0) byKey.delete(key);
    };
  };
}

function turnOf(turns: Turns, room: () => number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = () => {
    if (turns.underWay >= room()) return;
    turns.underWay += 1;
    turns.waiting.delete(look);
    clearTimeout(patience);
    resolve();
  };
  const patience = setTimeout(() => {
    turns.waiting.delete(look);
    reject(overloaded("too many unknown credentials from this address at once"));
  }, TURN_WAIT_MS);
  turns.waiting.add(look);
  look();
  return promise;
}
