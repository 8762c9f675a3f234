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

/** What was served to whom. */
export interface Served {
  readonly poller: PollerInput;
  readonly trustDomain: TrustDomain;
  readonly shown: Shown;
  readonly projection: ProjectionName;
  readonly at: EpochMs;
}

/** Deliveries on their way to the ledger. */
export interface DeliveryOutbox {
  note(served: Served): void;
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
  /** By the reply that was sent, which is of one trust domain, number and projection; then by poller. */
  let waiting = new Map<Reply, Map<PollerInput, Served>>();
  let count = 0;
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    while (count > 0) {
      const batch = [...waiting.values()].flatMap((ofReply) => [...ofReply.values()].map(toDelivery));
      waiting = new Map();
      count = 0;
      await send(batch);
    }
  }

  function waitingFor(reply: Reply): Map<PollerInput, Served> {
    const known = waiting.get(reply);
    if (known !== undefined) return known;
    const fresh = new Map<PollerInput, Served>();
    waiting.set(reply, fresh);
    return fresh;
  }

  return {
    note(served) {
      const ofReply = waitingFor(served.shown.replies[served.projection]);
      if (!ofReply.has(served.poller)) {
        if (count >= MAX_WAITING) return counters.add("deliveriesDropped");
        count++;
      }
      ofReply.set(served.poller, served);
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

const toDelivery = ({ poller, trustDomain, shown, projection, at }: Served): Delivery => ({
  pollerId: poller.pollerId,
  meshId: poller.meshId,
  trustDomain,
  sequence: shown.sequence,
  revision: shown.revision,
  projection,
  at,
});
