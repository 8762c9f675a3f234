import type { Callee, CallResult } from "./workloads.ts";

/** What a series of calls came to. */
export interface CallCount {
  readonly calls: number;
  readonly failures: number;
  /** How often each reason was given. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** A call each `everyMs`, each over a connection of its own, whether or not the one before has ended. */
export interface SteadyCalls {
  /** Ends the series and waits for the calls that are under way. */
  stop(): Promise<CallCount>;
}

export function startCalls(
  call: (callee: Callee) => Promise<CallResult>,
  callee: Callee,
  everyMs: number,
): SteadyCalls {
  const underWay: Promise<void>[] = [];
  const reasons: Record<string, number> = {};
  let failures = 0;
  const one = async () => {
    const { answered, reason } = await call(callee);
    if (answered) return;
    failures += 1;
    reasons[reason] = (reasons[reason] ?? 0) + 1;
  };
  const timer = setInterval(() => underWay.push(one()), everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      return { calls: underWay.length, failures, reasons };
    },
  };
}
