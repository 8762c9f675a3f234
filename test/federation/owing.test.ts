import { afterAll, beforeAll, expect, it } from "vitest";
import { federate, runBroker, type TestBroker } from "../support/running-broker.ts";
import { decide, eventually, served, twoMeshes } from "./federation-fixture.ts";

let broker: TestBroker;
beforeAll(async () => {
  // The ledger learns of a delivery long after the withdrawal that follows it.
  broker = await runBroker({ ENTENTE_DELIVERY_BATCH_MS: "60000", ENTENTE_TOMBSTONE_SECONDS: "1" });
});
afterAll(() => broker.remove());

it("a poller that fetched the bundle just before the withdrawal owes the tombstone, though the ledger does not know (R21, decision 7)", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const federationId = await federate(broker, bank, shop);
  expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
  await decide(broker, shop, federationId, "withdraw");
  broker.moveClock(10_000);
  expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
  await eventually(
    () => served(broker, bank, shop.trustDomain),
    (answer) => answer === 410,
  );
  broker.moveClock(0);
});
