import type { Delivery } from "../features/deliveries/delivery.ts";
import type { Condition } from "./conditional.ts";
import type { CounterWriter } from "./counters.ts";

/**
 * Whether an answer proves that the poller has the current bytes: a GET that was sent them, or one that named them by their
 * ETag. A date or `*` names no bytes, and HEAD brings none.
 */
export const provesDelivery = (method: string | undefined, condition: Condition): boolean =>
  method === "GET" && (condition === "send" || condition === "same-etag");

/** Deliveries on their way to the ledger. */
export interface DeliveryOutbox {
  note(delivery: Delivery): void;
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
  let waiting = new Map<string, Delivery>();
  let sending: Promise<void> | null = null;

  async function sendAll(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()];
      waiting = new Map();
      await send(batch);
    }
  }

  return {
    note(delivery) {
      const { pollerId, trustDomain, sequence, projection } = delivery;
      const key = `${pollerId} ${trustDomain} ${sequence} ${projection}`;
      if (waiting.size >= MAX_WAITING && !waiting.has(key)) return counters.add("deliveriesDropped");
      waiting.set(key, delivery);
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
