/** Whether the public listener can serve what is true (L8). Times are monotonic milliseconds. */
export interface Readiness {
  /** The publications are those of now. */
  confirm(nowMs: number): void;
  stop(): void;
  /** Empty when ready. A lost database shows only after `maxStaleMs`: it must not take bundles away. */
  reasons(nowMs: number): readonly string[];
}

export function readiness(maxStaleMs: number): Readiness {
  let confirmedAt: number | null = null;
  let isStopping = false;
  return {
    confirm(nowMs) {
      confirmedAt = nowMs;
    },
    stop() {
      isStopping = true;
    },
    reasons(nowMs) {
      const reasons = [];
      if (isStopping) reasons.push("stopping");
      if (confirmedAt === null) reasons.push("publications-not-loaded");
      else if (nowMs - confirmedAt > maxStaleMs) reasons.push("publications-stale");
      return reasons;
    },
  };
}
