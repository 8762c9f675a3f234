import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectStatus, federate, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";
import { askTerms, decide, propose, readFederation, served, twoMeshes } from "./federation-fixture.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await runBroker();
});
afterAll(() => broker.remove());

const trusts = (consumer: TestMesh, provider: TestMesh) => ({
  consumer: consumer.meshId,
  provider: provider.meshId,
});
const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

describe("changed terms", () => {
  it("that widen are a proposal beside the agreed ones, which hold until both have granted it (decision 10)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop, { trust: [trusts(bank, shop)] });
    const asked = await askTerms(broker, bank, federationId, { trust: [trusts(bank, shop), trusts(shop, bank)] });
    expect(asked.status).toBe(200);
    expect(asked.body).toMatchObject({
      state: "active",
      terms: { trust: [trusts(bank, shop)] },
      proposal: { proposedBy: bank.meshId, grantedBy: [bank.meshId] },
    });
    expect(asked.body.conditions).toContainEqual(expect.objectContaining({ type: "TermsProposed", status: "True" }));
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
    expect(await served(broker, shop, bank.trustDomain)).toBe(404);

    const { termsDigest } = asked.body.proposal.terms;
    const granted = await decide(broker, shop, federationId, "grant", { termsDigest });
    expect(granted.body).toMatchObject({ state: "active", proposal: null, terms: { termsDigest } });
    expect(await served(broker, shop, bank.trustDomain)).toBe("bundle");
  });

  it("that are denied leave the agreed ones in force", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop, { expiresAt: inDays(2) });
    await askTerms(broker, bank, federationId, { expiresAt: null });
    const denied = await decide(broker, shop, federationId, "deny");
    expect(denied.body).toMatchObject({ state: "active", proposal: null });
    expect(denied.body.terms.expiresAt).not.toBeNull();
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
  });

  it("that end later are a proposal, and the proposer alone cannot bring them into force", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop, { expiresAt: inDays(2) });
    const later = await askTerms(broker, shop, federationId, { expiresAt: inDays(9) });
    expect(later.body.proposal).toMatchObject({ proposedBy: shop.meshId });
    const again = await decide(broker, shop, federationId, "grant");
    expect(again.body.terms.termsDigest).toBe(later.body.terms.termsDigest);
    expect(again.body.proposal).not.toBeNull();
  });

  it("by which a side trusts less take effect at once, and it alone is served a tombstone", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    const narrowed = await askTerms(broker, bank, federationId, { trust: [trusts(shop, bank)] });
    expect(narrowed.body).toMatchObject({ state: "active", proposal: null, terms: { trust: [trusts(shop, bank)] } });
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    expect(await served(broker, shop, bank.trustDomain)).toBe("bundle");
    const back = await askTerms(broker, bank, federationId, { trust: [trusts(bank, shop), trusts(shop, bank)] });
    expect(back.body.proposal).not.toBeNull();
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
  });

  it("that take from the other side what it trusts are a proposal", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    const asked = await askTerms(broker, bank, federationId, { trust: [trusts(bank, shop)] });
    expect(asked.body.proposal).toMatchObject({ proposedBy: bank.meshId });
    expect(await served(broker, shop, bank.trustDomain)).toBe("bundle");
  });

  it("by which it ends earlier take effect at once", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    const expiresAt = inDays(1);
    const narrowed = await askTerms(broker, shop, federationId, { expiresAt });
    expect(narrowed.body).toMatchObject({ state: "active", proposal: null });
    expect(new Date(narrowed.body.terms.expiresAt).getTime()).toBe(new Date(expiresAt).getTime());
  });

  it("that are the agreed ones already are refused with 409, and those of a withdrawn proposal cannot be granted", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    const same = await askTerms(broker, bank, federationId, { expiresAt: null });
    expect([same.status, same.body.code]).toEqual([409, "terms-unchanged"]);

    const asked = await askTerms(broker, bank, federationId, { trust: [trusts(bank, shop)] });
    const { termsDigest } = asked.body.proposal.terms;
    expect((await decide(broker, bank, federationId, "deny")).body.proposal).toBeNull();
    const late = await decide(broker, shop, federationId, "grant", { termsDigest });
    expect([late.status, late.body.code]).toEqual([409, "terms-changed"]);
    expect((await readFederation(broker, bank, federationId)).body.terms.trust).toHaveLength(2);
  });
});

describe("a grant that names no terms (S20)", () => {
  it("is not of terms that were changed since the other side read them: the refusal says which can be granted", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const read = await expectStatus(
      201,
      propose(broker, bank.token, bank.meshId, shop.meshId, { trust: [trusts(bank, shop)] }),
    );
    const { federationId } = read.body;
    await expectStatus(200, askTerms(broker, bank, federationId, { trust: [trusts(bank, shop), trusts(shop, bank)] }));
    const bare = await decide(broker, shop, federationId, "grant");
    expect(bare.body).toMatchObject({ status: 409, code: "terms-changed", pointer: "/termsDigest" });
    const { state, terms } = (await readFederation(broker, shop, federationId)).body;
    expect([state, bare.body.termsDigests]).toEqual(["pending", [terms.termsDigest]]);
    expect(await served(broker, shop, bank.trustDomain)).toBe(404);
    const [termsDigest] = bare.body.termsDigests;
    const granted = await expectStatus(200, decide(broker, shop, federationId, "grant", { termsDigest }));
    expect(granted.body.state).toBe("active");
  });

  it("does not widen what is agreed; either of the two can be named, and leads in no circle", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const more = { trust: [trusts(bank, shop)] };
    const made = await expectStatus(201, propose(broker, bank.token, bank.meshId, shop.meshId, more));
    const { federationId } = made.body;
    await expectStatus(200, decide(broker, shop, federationId, "grant"));
    await expectStatus(200, decide(broker, shop, federationId, "grant"));
    const wider = { trust: [trusts(bank, shop), trusts(shop, bank)] };
    const { proposal, terms } = (await expectStatus(200, askTerms(broker, bank, federationId, wider))).body;
    const bare = await decide(broker, shop, federationId, "grant");
    expect(bare.body).toMatchObject({
      code: "terms-changed",
      termsDigests: [proposal.terms.termsDigest, terms.termsDigest],
    });
    expect(await served(broker, shop, bank.trustDomain)).toBe(404);
    const grant = (termsDigest: string) =>
      expectStatus(200, decide(broker, shop, federationId, "grant", { termsDigest }));
    expect((await grant(terms.termsDigest)).body).toMatchObject({
      state: "active",
      proposal: { grantedBy: [bank.meshId] },
    });
    expect(await served(broker, shop, bank.trustDomain)).toBe(404);
    expect((await grant(proposal.terms.termsDigest)).body).toMatchObject({ state: "active", proposal: null });
    expect(await served(broker, shop, bank.trustDomain)).toBe("bundle");
  });
});
