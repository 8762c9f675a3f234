import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectStatus, federate, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";
import { decide, joinMesh, poll, propose, readFederation, served, twoMeshes } from "./federation-fixture.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await runBroker();
});
afterAll(() => broker.remove());

type Member = Awaited<ReturnType<typeof joinMesh>>;

async function federateMember(consumer: TestMesh, member: Member): Promise<string> {
  const proposed = await expectStatus(201, propose(broker, consumer.token, consumer.meshId, member.meshId));
  const { federationId } = proposed.body;
  expect((await expectStatus(200, decide(broker, member, federationId, "grant"))).body.state).toBe("active");
  return federationId;
}

const condition = async (side: { meshId: string; token: string }, federationId: string, type: string) =>
  (await readFederation(broker, side, federationId)).body.conditions.find(
    (found: { type: string }) => found.type === type,
  );

describe("meshes of one trust domain", () => {
  it("may federate, and the answer says that no bundle is exchanged", async () => {
    const { shop } = await twoMeshes(broker);
    const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop);
    const proposed = await expectStatus(201, propose(broker, shop.token, shop.meshId, annex.meshId));
    const { federationId } = proposed.body;
    const exchange = { type: "BundlesExchanged", status: "False", reason: "SameTrustDomain" };
    expect(proposed.body.conditions).toContainEqual(expect.objectContaining(exchange));
    // Nothing is to be compared before the grant.
    for (const type of ["Proved", "AuthoritiesAsShown"])
      expect(proposed.body.conditions).not.toContainEqual(expect.objectContaining({ type }));
    const granted = await expectStatus(200, decide(broker, annex, federationId, "grant"));
    expect(granted.body.state).toBe("active");
    expect(granted.body.conditions).toContainEqual(expect.objectContaining(exchange));
    await decide(broker, annex, federationId, "withdraw");
    expect([await served(broker, annex, shop.trustDomain), await served(broker, shop, shop.trustDomain)]).toEqual([
      "bundle",
      "bundle",
    ]);
  });

  it("are served one bundle, and nothing while their membership is pending (S19)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop, { granted: false });
    expect(await served(broker, annex, shop.trustDomain)).toBe(404);
    expect((await propose(broker, annex.token, annex.meshId, bank.meshId)).body.code).toBe("membership-pending");
    expect((await propose(broker, bank.token, bank.meshId, annex.meshId)).status).toBe(404);
    const body = { meshId: annex.meshId, decision: "grant" };
    await expectStatus(
      200,
      broker.api("POST", `/v1/trust-domains/${shop.trustDomain}/memberships`, { token: shop.token, body }),
    );
    const [own, owners] = [await poll(broker, annex, shop.trustDomain), await poll(broker, shop, shop.trustDomain)];
    expect(own.status).toBe(200);
    expect(own.body).toBe(owners.body);
  });

  it("keep a consumer served while any active federation with one of them allows it", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop);
    const first = await federate(broker, bank, shop);
    const second = await federateMember(bank, annex);
    await decide(broker, shop, first, "withdraw");
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
    expect(await served(broker, shop, bank.trustDomain)).toBe("tombstone");
    expect(await served(broker, annex, bank.trustDomain)).toBe("bundle");
    await decide(broker, bank, second, "withdraw");
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
  });
});

describe("the owner of a trust domain", () => {
  it("sees its members' federations, vetoes one, and allows it again (decision 9)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop);
    const federationId = await federateMember(bank, annex);
    const listed = await broker.api("GET", "/v1/federations", { token: shop.token });
    expect(listed.body.federations.map((found: { federationId: string }) => found.federationId)).toEqual([
      federationId,
    ]);

    const vetoed = await decide(broker, shop, federationId, "deny", { reason: "not with the bank" });
    expect(vetoed.status).toBe(200);
    expect(vetoed.body).toMatchObject({ state: "denied", vetoes: [{ owner: shop.meshId }] });
    const around = await propose(broker, bank.token, bank.meshId, annex.meshId);
    expect(around).toMatchObject({ status: 409, body: { code: "federation-exists", federationId } });
    expect(await condition(bank, federationId, "OwnersAccept")).toMatchObject({ status: "False", reason: "Vetoed" });
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    expect(await served(broker, annex, bank.trustDomain)).toBe("tombstone");
    expect((await decide(broker, annex, federationId, "grant")).body.state).toBe("denied");
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");

    expect((await decide(broker, shop, federationId, "grant")).body.state).toBe("active");
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
  });

  it("vetoes what is open between a pair, not what has ended beside it", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop);
    const ended = await federateMember(bank, annex);
    await decide(broker, annex, ended, "withdraw");
    const open = await federateMember(bank, annex);
    const refused = await decide(broker, shop, ended, "deny");
    expect(refused).toMatchObject({ status: 409, body: { code: "federation-exists", federationId: open } });
    expect((await decide(broker, shop, open, "deny")).body.state).toBe("denied");
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
  });

  it("has no word in the federations of others, nor a consent to give for its member", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop);
    const proposed = await expectStatus(201, propose(broker, bank.token, bank.meshId, annex.meshId));
    const { federationId } = proposed.body;
    expect((await decide(broker, { ...annex, token: shop.token }, federationId, "grant")).status).toBe(404);
    expect((await decide(broker, shop, federationId, "grant")).body.state).toBe("pending");
    const { bank: stranger } = await twoMeshes(broker);
    expect((await decide(broker, stranger, federationId, "deny")).status).toBe(404);
    expect(await served(broker, bank, shop.trustDomain)).toBe(404);
  });

  it("expels a member: what the member's federations allowed ends, on both sides", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop);
    const federationId = await federateMember(bank, annex);
    const body = { meshId: annex.meshId, decision: "expel" };
    await expectStatus(
      200,
      broker.api("POST", `/v1/trust-domains/${shop.trustDomain}/memberships`, { token: shop.token, body }),
    );
    expect((await readFederation(broker, bank, federationId)).body.state).toBe("denied");
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    expect(await served(broker, annex, bank.trustDomain)).toBe("tombstone");
    expect(await served(broker, annex, shop.trustDomain)).toBe("tombstone");
    expect(await served(broker, shop, shop.trustDomain)).toBe("bundle");
  });
});
