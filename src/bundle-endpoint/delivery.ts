import type { ProjectionName } from "../bundle/projections.ts";
import type { Delivery } from "../features/deliveries/delivery.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { EpochMs } from "../time.ts";
import type { PollerInput } from "../views/publication-inputs.ts";
import type { Reply } from "../views/publication-reply.ts";
import type { Shown } from "../views/shown.ts";
import type { Condition } from "./conditional.ts";
import type { CounterWriter } from "./counters.ts";

/**
 * Whether an answer proves that the poller has the current bytes: a GET that was sent them, or one that named them by their
 * ETag. A date or `*` names no bytes, and HEAD brings none.
 */
export const provesDelivery = (method: string | undefined, condition: Condition): boolean =>
  method === "GET" && (condition === "send" || condition === "same-etag");

/** What was served: one reply of one trust domain. */
export interface Served {
  readonly trustDomain: TrustDomain;
  readonly shown: Shown;
  readonly projection: ProjectionName;
}

/** Deliveries on their way to the ledger. */
export interface DeliveryOutbox {
  note(poller: PollerInput, served: Served, at: EpochMs): void;
  /** Resolves when all that were noted before are in the ledger. */
  flush(): Promise<void>;
}

/** Deliveries that wait for a ledger that cannot be written (L16); more are counted and dropped: the next poll brings them. */
const MAX_WAITING = 100_000;

/**
 * Sends batches, one at a time. Of equal deliveries that wait together the latest is kept, so that polls without news cost
 * one row a batch at most.
 * @param send resolves when the batch is in the ledger
 */
export function deliveryOutbox(
  send: (batch: readonly Delivery[]) => Promise<void>,
  counters: CounterWriter,
): DeliveryOutbox {
  /** By the reply that was sent, which is of one trust domain, number and projection. */
  let waiting = new Map<Reply, { readonly served: Served; readonly lastAt: Map<PollerInput, EpochMs> }>();
  let count = 0;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    while (count > 0) {
      const batch = [...waiting.values()].flatMap(({ served, lastAt }) =>
        Array.from(lastAt, ([poller, at]) => toDelivery(poller, served, at)),
      );
      waiting = new Map();
      count = 0;
      await send(batch);
    }
  }

  function lastDeliveriesOf(served: Served): Map<PollerInput, EpochMs> {
    const reply = served.shown.replies[served.projection];
    const known = waiting.get(reply);
    if (known !== undefined) return known.lastAt;
    const lastAt = new Map<PollerInput, EpochMs>();
    waiting.set(reply, { served, lastAt });
    return lastAt;
  }

  return {
    note(poller, served, at) {
      const lastAt = lastDeliveriesOf(served);
      if (!lastAt.has(poller)) {
        if (count >= MAX_WAITING) return counters.add("deliveriesDropped");
        count++;
      }
      lastAt.set(poller, at);
      counters.add("deliveries");
    },
    async flush() {
      sending ??= sendAll().finally(() => {
        sending = null;
      });
      await sending;
    },
  };
}

const toDelivery = (
  { pollerId, meshId }: PollerInput,
  { trustDomain, shown: { sequence, revision }, projection }: Served,
  at: EpochMs,
): Delivery => ({ pollerId, meshId, trustDomain, sequence, revision, projection, at });
