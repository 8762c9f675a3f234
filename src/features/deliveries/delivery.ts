import type { ProjectionName } from "../../bundle/projections.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";

/** The fact that a poller was served what it may see: a whole 200, or a 304 by an ETag of the current bytes. */
export interface Delivery {
  readonly pollerId: string;
  readonly meshId: string;
  readonly trustDomain: TrustDomain;
  /** The served `spiffe_sequence`. */
  readonly sequence: number;
  /** Event-log position of the revision that was served; null for a tombstone. */
  readonly revision: number | null;
  readonly projection: ProjectionName;
  readonly at: EpochMs;
}

/** What a poller holds, and since when. */
export type Held = Pick<Delivery, "pollerId" | "revision" | "at">;

/** Whether what the poller holds is what its trust domain publishes now. */
export const isCurrent = (delivery: Delivery, newestPosition: number | null): boolean =>
  delivery.revision !== null && delivery.revision === newestPosition;

/** What the ledger says of one poller and one trust domain. */
export interface LedgerEntry extends Delivery {
  /** It holds what the trust domain publishes now. */
  readonly current: boolean;
}

/** A poller that was served a trust domain's bundle, as that trust domain's people see it. */
export interface Holder extends LedgerEntry {
  /**
   * Of the trust domain's own revision; null for a tombstone. The number under which it was served is the consumer's, and
   * rises with whatever that one distrusts (S21).
   */
  readonly revisionSequence: number | null;
}
