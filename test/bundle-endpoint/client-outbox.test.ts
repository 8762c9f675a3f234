import type { IncomingMessage } from "node:http";
import { expect, it } from "vitest";
import { clientOutbox } from "../../src/bundle-endpoint/clients.ts";
import { pollerOf } from "./endpoint-fixture.ts";

/** A poll over a connection of its own, by a library that offers these signature schemes; null for one that is closed. */
const pollBy = (userAgent: string, schemes: readonly string[] | null = []): IncomingMessage =>
  ({
    headers: { "user-agent": userAgent },
    socket: { remoteAddress: "127.0.0.1", getSharedSigalgs: () => schemes },
  }) as unknown as IncomingMessage;

/** An outbox whose store takes a batch when it is told to. */
function outboxOf() {
  const batches: string[][] = [];
  let take = () => {};
  const outbox = clientOutbox(
    (batch) => {
      batches.push(batch.map(({ pollerId, products }) => `${pollerId} ${products}`));
      return new Promise((resolve) => {
        take = resolve;
      });
    },
    () => 0,
  );
  return { outbox, batches, take: () => take() };
}

it("S35: as many kinds wait as have room while the store takes nothing; the others are told of at a later poll", async () => {
  const { outbox, batches, take } = outboxOf();
  const pollers = Array.from({ length: 10_001 }, (_, index) => pollerOf(`bank-${index}`));
  for (const poller of pollers) outbox.note(poller, pollBy("curl"));
  outbox.send();
  expect(batches[0]).toHaveLength(10_000);
  for (const poller of pollers) outbox.note(poller, pollBy("curl"));
  const flushed = outbox.flush();
  take();
  await expect.poll(() => batches.length).toBe(2);
  expect(batches[1]).toEqual(["bank-10000 curl"]);
  take();
  await flushed;
});

it("S35: a connection is asked once for its library, and one that is closed for nothing", () => {
  const { outbox, batches } = outboxOf();
  let asked = 0;
  const request = pollBy("curl");
  Object.assign(request.socket, {
    getSharedSigalgs() {
      asked += 1;
      return ["Ed25519+UNDEF"];
    },
  });
  const poller = pollerOf("bank-1");
  for (let poll = 0; poll < 3; poll++) outbox.note(poller, request);
  outbox.note(poller, pollBy("other", null));
  outbox.send();
  expect(asked).toBe(1);
  expect(batches).toEqual([["bank-1 curl"]]);
});

it("S35: a User-Agent too long to be kept is told of once like another", () => {
  const { outbox, batches } = outboxOf();
  const poller = pollerOf("bank-1");
  for (let poll = 0; poll < 3; poll++) outbox.note(poller, pollBy(`curl/${"1".repeat(4_000)}`));
  outbox.send();
  expect(batches).toEqual([["bank-1 curl"]]);
});
