import { expect, it } from "vitest";
import { decide, eventually, served } from "../federation/federation-fixture.ts";
import { startProcess } from "../support/broker-process.ts";
import { federate, registerMesh } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it("a poller whose first fetch was killed before the ledger had it still owes the tombstone (R21, decision 7)", async () => {
  const folder = temporaryFolder();
  const env = { ENTENTE_DELIVERY_BATCH_MS: "60000", ENTENTE_TOMBSTONE_SECONDS: "1" };
  const killed = await startProcess(folder, env);
  const bank = await registerMesh(killed, "bank");
  const shop = await registerMesh(killed, "shop");
  const idle = await registerMesh(killed, "idle");
  const ofBank = await federate(killed, bank, shop);
  const ofIdle = await federate(killed, idle, shop);
  expect(await served(killed, bank, shop.trustDomain)).toBe("bundle");
  await killed.end("SIGKILL");

  const broker = await startProcess(folder, env);
  await decide(broker, shop, ofBank, "withdraw");
  await decide(broker, shop, ofIdle, "withdraw");
  // Nobody of this mesh ever fetched, so that its tombstone goes when its time is over.
  await eventually(
    () => served(broker, idle, shop.trustDomain),
    (answer) => answer === 410,
  );
  expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
  await eventually(
    () => served(broker, bank, shop.trustDomain),
    (answer) => answer === 410,
  );
});
