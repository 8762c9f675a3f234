export interface Rate {
  readonly perSecond: number;
  /** How many may come at once. */
  readonly burst: number;
  /** How many keys are remembered; past it the one that was seen first is forgotten. */
  readonly maxKeys: number;
}

/** Lets each key through at a rate of its own. */
export interface RateLimiter {
  /** Whether one more may pass at `nowMs`, a monotonic time in milliseconds; counts it when it may. */
  admit(key: string, nowMs: number): boolean;
  /** What a key has left at `nowMs`. */
  allowance(key: string, nowMs: number): Allowance;
}

/** What the `RateLimit` header says. */
export interface Allowance {
  /** How many may come in a window. */
  readonly limit: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Until all of `limit` is there again. */
  readonly resetSeconds: number;
}

/** One number a key: the time at which its bucket will be full again (generic cell rate algorithm). Both take O(1). */
export function rateLimiter({ perSecond, burst, maxKeys }: Rate): RateLimiter {
  const interval = 1000 / perSecond;
  const tolerance = interval * (burst - 1);
  const fullAt = new Map<string, number>();

  function makeRoom(): void {
    const [first] = fullAt.keys();
    if (first !== undefined) fullAt.delete(first);
  }

  return {
    admit(key, nowMs) {
      const known = fullAt.get(key);
      const at = known === undefined || known < nowMs ? nowMs : known;
      if (at - nowMs > tolerance) return false;
      if (known === undefined && fullAt.size >= maxKeys) makeRoom();
      fullAt.set(key, at + interval);
      return true;
    },
    allowance(key, nowMs) {
      const waiting = Math.max(0, (fullAt.get(key) ?? nowMs) - nowMs);
      return {
        limit: burst,
        windowSeconds: Math.max(1, Math.round(burst / perSecond)),
        remaining: Math.max(0, Math.floor(burst - waiting / interval)),
        resetSeconds: Math.ceil(waiting / 1000),
      };
    },
  };
}
