import type { Counters } from "../bundle-endpoint/counters.ts";
import { isMalformed } from "../errors.ts";
import { recordCounts, recordRefusal } from "../features/audit/refusal.service.ts";
import type { RefusalTally } from "../features/audit/refusals.ts";
import { isForNow } from "../http/answer-headers.ts";
import type { RefusalListener } from "../http/error-answers.ts";
import type { UnitOfWork } from "../store/unit-of-work.ts";
import { type Clock, MINUTE_MS } from "../time.ts";

export interface RefusalRecorder extends RefusalListener {
  /** Says what is still only counted. */
  stop(): Promise<void>;
}

/** What the bundle endpoint turned away: of nobody known, so it is counted only (S70). */
const turnedAway = (counters: Counters): number =>
  counters.replies404 + counters.replies405 + counters.replies429 + counters.malformedRequests;

/**
 * Brings refusals into the log: a known caller's refused change as an event of its own, within limits; unknown
 * callers, malformed requests, reads and the bundle endpoint's refusals as counts, once a minute (S70).
 */
export function refusalRecorder(parts: {
  readonly unitOfWork: UnitOfWork;
  readonly tally: RefusalTally;
  readonly clock: Clock;
  readonly counters: () => Counters;
  readonly onError: (error: unknown) => void;
}): RefusalRecorder {
  const { unitOfWork, tally } = parts;
  let counted = 0;

  async function flush(): Promise<void> {
    const now = turnedAway(parts.counters());
    tally.count("bundle-endpoint", now - counted);
    counted = now;
    await recordCounts(unitOfWork, tally).catch(parts.onError);
  }
  const timer = setInterval(() => void flush(), MINUTE_MS);
  timer.unref();

  return {
    async refused({ endpoint, caller, meshId, dryRun }, refusal) {
      if (refusal.status >= 500 || isForNow(refusal.code)) return;
      if (refusal.code === "unauthenticated") return tally.count("unauthenticated");
      if (!caller) return tally.count("invalid-request");
      if (isMalformed(refusal.code)) return tally.count("invalid-request");
      if (!endpoint || endpoint.method === "GET" || dryRun) return tally.count("nothing-to-change");
      await recordRefusal(
        unitOfWork,
        tally,
        { caller, operationId: endpoint.operationId, refusal, meshId },
        parts.clock(),
      ).catch((error: unknown) => {
        tally.count("unrecorded");
        parts.onError(error);
      });
    },
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
