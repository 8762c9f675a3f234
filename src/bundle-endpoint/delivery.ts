import type { ProjectionName } from "../bundle/projections.ts";
import type { Delivery } from "../features/deliveries/delivery.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { EpochMs } from "../time.ts";
import type { PollerInput } from "../views/publication-inputs.ts";
import type { Shown } from "../views/shown.ts";
import type { Condition } from "./conditional.ts";
import type { CounterWriter } from "./counters.ts";
import { type Outgoing, oneAtATime } from "./one-at-a-time.ts";

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
export interface DeliveryOutbox extends Outgoing {
  note(poller: PollerInput, served: Served, at: EpochMs): void;
}

/** Deliveries that wait for a ledger that cannot be written (L16); more are counted and dropped: the next poll brings them. */
const MAX_WAITING = 100_000;

/** The latest of equal deliveries to one poller. */
interface Waiting {
  readonly served: Served;
  lastAt: EpochMs;
}

/**
 * Sends batches, one at a time. Of equal deliveries that wait together the latest is kept, so that polls without news cost
 * one row a batch at most.
 * @param send resolves when the batch is in the ledger
 */
export function deliveryOutbox(
  send: (batch: readonly Delivery[]) => Promise<void>,
  counters: CounterWriter,
): DeliveryOutbox {
  let waiting = new Map<PollerInput, Waiting[]>();
  let count = 0;

  async function sendWaiting(): Promise<void> {
    if (count === 0) return;
    const batch = Array.from(waiting, ([poller, ofPoller]) => ofPoller.map((one) => toDelivery(poller, one))).flat();
    waiting = new Map();
    count = 0;
    await send(batch);
  }

  return {
    ...oneAtATime(sendWaiting),
    note(poller, served, at) {
      const ofPoller = waiting.get(poller);
      const known = ofPoller?.find((one) => isSame(one.served, served));
      if (known) known.lastAt = at;
      else {
        if (count >= MAX_WAITING) return counters.add("deliveriesDropped");
        count++;
        const one = { served, lastAt: at };
        if (ofPoller) ofPoller.push(one);
        else waiting.set(poller, [one]);
      }
      counters.add("deliveries");
    },
  };
}

const isSame = (a: Served, b: Served): boolean =>
  a.shown === b.shown && a.projection === b.projection && a.trustDomain === b.trustDomain;

const toDelivery = (
  { pollerId, meshId }: PollerInput,
  { served: { trustDomain, shown, projection }, lastAt }: Waiting,
): Delivery => {
  const { sequence, revision } = shown;
  return { pollerId, meshId, trustDomain, sequence, revision, projection, at: lastAt };
};
