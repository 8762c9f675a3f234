import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectStatus, federate, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";
import { askTerms, decide, joinMesh, propose, readFederation, twoMeshes } from "./federation-fixture.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await runBroker();
});
afterAll(() => broker.remove());

type Side = Pick<TestMesh, "meshId" | "token">;

const read = async (side: Side, federationId: string) =>
  (await expectStatus(200, readFederation(broker, side, federationId))).body;
const reasonOf = (federation: { consents: { meshId: string; reason: string | null }[] }, { meshId }: Side) =>
  federation.consents.find((consent) => consent.meshId === meshId)?.reason;

describe("a reason given with one's word on a federation is read by both sides (docs/decisions/0014)", () => {
  it("of a proposal, before and after the grant, whose reason is the other side's", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const { body } = await expectStatus(
      201,
      propose(broker, bank.token, bank.meshId, shop.meshId, { reason: "to pay" }),
    );
    const { federationId } = body;
    for (const side of [bank, shop])
      expect(await read(side, federationId)).toMatchObject({
        lastWord: { meshId: bank.meshId, said: "proposed", reason: "to pay" },
      });
    expect(reasonOf(await read(shop, federationId), bank)).toBe("to pay");
    await decide(broker, shop, federationId, "grant", { reason: "welcome" });
    for (const side of [bank, shop]) {
      const federation = await read(side, federationId);
      expect([reasonOf(federation, bank), reasonOf(federation, shop)]).toEqual(["to pay", "welcome"]);
    }
  });

  it("of other terms before anything is agreed: it is the asking side's, and not put into the other's mouth", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const { body } = await expectStatus(201, propose(broker, bank.token, bank.meshId, shop.meshId));
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    await expectStatus(200, askTerms(broker, shop, body.federationId, { expiresAt, reason: "a day at first" }));
    const federation = await read(bank, body.federationId);
    expect([reasonOf(federation, bank), reasonOf(federation, shop)]).toEqual([null, "a day at first"]);
  });

  it("of terms that are declined, or narrowed, which leaves nothing that stands", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
    const federationId = await federate(broker, bank, shop, { expiresAt });
    await expectStatus(200, askTerms(broker, bank, federationId, { expiresAt: null, reason: "for good" }));
    expect((await read(shop, federationId)).proposal.reason).toBe("for good");
    await expectStatus(200, decide(broker, shop, federationId, "deny", { reason: "a day is enough" }));
    expect((await read(bank, federationId)).lastWord).toMatchObject({
      meshId: shop.meshId,
      said: "terms-declined",
      reason: "a day is enough",
    });
    const trust = [{ consumer: bank.meshId, provider: shop.meshId }];
    await expectStatus(200, askTerms(broker, shop, federationId, { trust, reason: "one way" }));
    expect((await read(bank, federationId)).lastWord).toMatchObject({ said: "terms-narrowed", reason: "one way" });
  });

  it("of a veto and of its end, without the owner's name to the other side (S21)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop);
    const asked = await expectStatus(201, propose(broker, bank.token, bank.meshId, annex.meshId));
    const { federationId } = asked.body;
    await decide(broker, annex, federationId, "grant");
    for (const [decision, said] of [
      ["deny", "vetoed"],
      ["grant", "veto-lifted"],
    ] as const) {
      await expectStatus(200, decide(broker, shop, federationId, decision, { reason: `for ${said}` }));
      expect((await read(bank, federationId)).lastWord).toMatchObject({ meshId: null, said, reason: `for ${said}` });
      expect((await read(shop, federationId)).lastWord).toMatchObject({ meshId: shop.meshId });
    }
  });
});

it("an operator's proposal is no side's word: its reason is for the proposer's people alone (docs/decisions/0014)", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const { body } = await expectStatus(
    201,
    propose(broker, broker.operatorToken, bank.meshId, shop.meshId, { reason: "they asked me to" }),
  );
  const { federationId } = body;
  expect((await read(shop, federationId)).lastWord).toBeNull();
  await decide(broker, bank, federationId, "grant");
  await decide(broker, shop, federationId, "grant");
  const events = (side: Side) =>
    broker.api("GET", `/v1/audit-events?federationId=${federationId}&type=federation.proposed`, { token: side.token });
  for (const side of [bank, shop])
    expect((await readFederation(broker, side, federationId)).text).not.toContain("they asked me to");
  expect((await events(bank)).text).toContain("they asked me to");
  expect((await events(shop)).text).not.toContain("they asked me to");
});
