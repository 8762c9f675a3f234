import { expect, it } from "vitest";
import { deliveryOutbox } from "../../src/bundle-endpoint/delivery.ts";
import type { Delivery } from "../../src/features/deliveries/delivery.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import type { PollerInput } from "../../src/views/publication-inputs.ts";
import { contentOf, show } from "../../src/views/shown.ts";

const trustDomain = parseTrustDomain("shop.example");
const shown = show(contentOf([], 60), 7, { sequence: 7, lastModifiedSeconds: 1 }, []);
const poller = (pollerId: string): PollerInput => ({
  pollerId,
  meshId: "bank",
  tokenHash: "0".repeat(64) as PollerInput["tokenHash"],
  position: 1,
  expiresAt: null,
});

/** An outbox whose ledger takes a batch when it is told to. */
function outboxOf() {
  const batches: string[][] = [];
  const taken: PromiseWithResolvers<void>[] = [];
  const outbox = deliveryOutbox(
    (batch: readonly Delivery[]) => {
      batches.push(batch.map(({ pollerId }) => pollerId));
      taken.push(Promise.withResolvers<void>());
      return taken.at(-1)?.promise ?? Promise.resolve();
    },
    { add() {} },
  );
  const poll = (pollerId: string) => outbox.note(poller(pollerId), { trustDomain, shown, projection: "spiffe" }, 0);
  return { outbox, batches, poll, take: (batch: number) => taken[batch]?.resolve() };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

it("what comes while a batch is written waits for the next time, however long that is", async () => {
  const { outbox, batches, poll, take } = outboxOf();
  poll("a");
  outbox.send();
  poll("b");
  outbox.send();
  take(0);
  await settled();
  expect(batches).toEqual([["a"]]);
  poll("c");
  outbox.send();
  expect(batches).toEqual([["a"], ["b", "c"]]);
});

it("a flush ends with what was noted before it, whatever comes meanwhile", async () => {
  const { outbox, batches, poll, take } = outboxOf();
  poll("a");
  outbox.send();
  poll("b");
  const flushed = outbox.flush();
  take(0);
  await settled();
  expect(batches).toEqual([["a"], ["b"]]);
  poll("c");
  take(1);
  await flushed;
  expect(batches).toEqual([["a"], ["b"]]);
});
