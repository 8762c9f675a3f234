import { afterAll, describe, expect, it } from "vitest";
import { recordedBy, refused, UNLIMITED } from "../api/api-fixture.ts";
import { expectStatus, federate, runBroker, type TestMesh } from "../support/running-broker.ts";
import { bundle, decide, joinMesh, poll, propose, served, twoMeshes } from "./federation-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());

type Side = Pick<TestMesh, "meshId" | "token" | "trustDomain">;

const offer = ({ token, trustDomain }: Side, to: string, more: object = {}) =>
  broker.api("POST", `/v1/trust-domains/${trustDomain}/transfers`, { token, body: { meshId: to, ...more } });
const answer = ({ token, trustDomain, meshId }: Side, id: string, decision: string, more: object = {}) =>
  broker.api("POST", `/v1/trust-domains/${trustDomain}/transfers/${id}/decisions`, {
    token,
    body: { meshId, decision, ...more },
  });
const offered = async (owner: Side, to: string): Promise<string> =>
  (await expectStatus(201, offer(owner, to))).body.transferId;
const ownerOf = async ({ token, trustDomain }: Side): Promise<string> =>
  (await expectStatus(200, broker.api("GET", `/v1/trust-domains/${trustDomain}`, { token }))).body.owner;

const stateOf = async ({ token, trustDomain }: Side, id: string): Promise<string> =>
  (await expectStatus(200, broker.api("GET", `/v1/trust-domains/${trustDomain}/transfers/${id}`, { token }))).body
    .state;
const decideMember = ({ token, trustDomain }: Side, { meshId }: Pick<Side, "meshId">, decision: string) =>
  expectStatus(
    200,
    broker.api("POST", `/v1/trust-domains/${trustDomain}/memberships`, { token, body: { meshId, decision } }),
  );

/** An owner, a granted member of its trust domain, and a consumer of it. */
async function three(): Promise<{ owner: TestMesh; member: TestMesh; peer: TestMesh }> {
  const { bank: peer, shop: owner } = await twoMeshes(broker);
  const member = (await joinMesh(broker, `${owner.meshId}-heir`, owner)) as TestMesh;
  return { owner, member, peer };
}

describe("a trust domain is handed over to a member, when both agree", () => {
  it("the owner changes and nothing that is published does; what was the owner's alone is the new one's", async () => {
    const { owner, member, peer } = await three();
    await federate(broker, peer, owner);
    const before = await bundle(poll(broker, peer, owner.trustDomain));
    const id = await offered(owner, member.meshId);
    expect(await ownerOf(owner)).toBe(owner.meshId);
    const { body } = await expectStatus(200, answer(member, id, "accept", { reason: "we run it now" }));
    expect(body).toMatchObject({
      state: "accepted",
      from: owner.meshId,
      to: member.meshId,
      decidedReason: "we run it now",
    });
    expect(await ownerOf(owner)).toBe(member.meshId);
    expect(await bundle(poll(broker, peer, owner.trustDomain))).toEqual(before);
    const members = await broker.api("GET", `/v1/trust-domains/${owner.trustDomain}/memberships`, {
      token: member.token,
    });
    expect(members.body.memberships.map(({ state }: { state: string }) => state)).toEqual(["granted", "granted"]);

    const set = ({ token }: Side) =>
      broker.api("PATCH", `/v1/trust-domains/${owner.trustDomain}`, { token, body: { refreshHintSeconds: 900 } });
    await refused("not-the-owner", set(owner));
    await expectStatus(200, set(member));
    const expel = { meshId: owner.meshId, decision: "expel" };
    const path = `/v1/trust-domains/${owner.trustDomain}/memberships`;
    await refused("not-the-owner", broker.api("POST", path, { token: owner.token, body: expel }));
    // All that is published is the old owner's.
    await refused("would-empty-bundle", broker.api("POST", path, { token: member.token, body: expel }));
    const forced = { ...expel, force: true };
    await expectStatus(200, broker.api("POST", path, { token: member.token, body: forced }));
    expect(await served(broker, peer, owner.trustDomain)).toBe("tombstone");
  });

  it("one offer at a time, to granted members, by the owner alone; it can be declined and taken back", async () => {
    const { owner, member, peer } = await three();
    const pending = await joinMesh(broker, `${owner.meshId}-late`, owner, { granted: false });
    await refused("not-the-owner", offer(member, owner.meshId));
    await refused("not-found", offer({ ...owner, token: peer.token }, member.meshId));
    await refused("not-found", offer(owner, peer.meshId));
    await refused("not-found", offer(owner, owner.meshId));
    await refused("membership-pending", offer(owner, pending.meshId));
    const first = await offered(owner, member.meshId);
    expect((await refused("transfer-open", offer(owner, member.meshId))).body.transferId).toBe(first);
    expect((await refused("transfer-decision", answer(owner, first, "accept"))).body.possible).toEqual(["withdraw"]);
    expect((await refused("transfer-decision", answer(member, first, "withdraw"))).body.possible).toEqual([
      "accept",
      "decline",
    ]);
    await expectStatus(200, answer(member, first, "decline"));
    expect((await refused("transfer-decision", answer(member, first, "accept"))).body.possible).toEqual([]);
    const second = await offered(owner, member.meshId);
    await expectStatus(200, answer(owner, second, "withdraw"));
    await refused("transfer-decision", answer(member, second, "accept"));
    expect(await ownerOf(owner)).toBe(owner.meshId);
    const list = await broker.api("GET", `/v1/trust-domains/${owner.trustDomain}/transfers`, { token: member.token });
    expect(list.body.transfers.map(({ state }: { state: string }) => state).sort()).toEqual(["declined", "withdrawn"]);
    const foreign = `/v1/trust-domains/${owner.trustDomain}/transfers/${first}`;
    await refused("not-found", broker.api("GET", foreign, { token: peer.token }));
  });

  it("an offer to a member that is expelled lapses, for good: it cannot accept, not after a new grant either", async () => {
    const { owner, member } = await three();
    const heir = await joinMesh(broker, `${owner.meshId}-heir-too`, owner);
    const id = await offered(owner, member.meshId);
    await decideMember(owner, member, "expel");
    await refused("not-found", answer(member, id, "accept"));
    expect(await stateOf(owner, id)).toBe("lapsed");
    expect((await refused("transfer-decision", answer(owner, id, "withdraw"))).body.possible).toEqual([]);
    const next = await offered(owner, heir.meshId);
    await decideMember(owner, member, "grant");
    expect([await stateOf(owner, id), await stateOf(owner, next)]).toEqual(["lapsed", "offered"]);
    await refused("transfer-decision", answer(member, id, "accept"));
    expect(await ownerOf(owner)).toBe(owner.meshId);
  });

  it("an offer to a member that is deleted lapses, and the next one is made", async () => {
    const { owner, member } = await three();
    const heir = await joinMesh(broker, `${owner.meshId}-heir-too`, owner);
    const id = await offered(owner, member.meshId);
    await expectStatus(200, broker.api("DELETE", `/v1/meshes/${member.meshId}`, { token: member.token }));
    expect(await stateOf(owner, id)).toBe("lapsed");
    await refused("transfer-decision", answer(owner, id, "withdraw"));
    expect(await stateOf(owner, await offered(owner, heir.meshId))).toBe("offered");
  });

  it("nor does a token that speaks for the owner too accept in its place", async () => {
    const { operatorToken } = broker;
    for (const meshId of ["one-hand", "other-hand"]) {
      const body = { meshId, trustDomain: "hands.example" };
      await expectStatus(201, broker.api("POST", "/v1/meshes", { token: operatorToken, body }));
    }
    const body = { name: "hands", role: "mesh-admin", meshes: ["one-hand", "other-hand"] };
    const { token } = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token: operatorToken, body }))).body;
    const hand = (meshId: string) => ({ meshId, token, trustDomain: "hands.example" });
    const [one, other] = [hand("one-hand"), hand("other-hand")];
    await decideMember(one, other, "grant");
    const id = await offered(one, "other-hand");
    await decideMember(one, other, "expel");
    await refused("transfer-decision", answer(other, id, "accept"));
    await decideMember(one, other, "grant");
    await refused("transfer-decision", answer(other, id, "accept"));
    await expectStatus(200, answer(other, await offered(one, "other-hand"), "accept"));
  });

  it("both sides read each step in the log, and every member who owns the domain now", async () => {
    const { owner, member } = await three();
    const third = await joinMesh(broker, `${owner.meshId}-third`, owner);
    const told = await recordedBy(broker, async () => {
      const id = await offered(owner, member.meshId);
      await expectStatus(200, answer(member, id, "accept"));
    });
    expect(told.map(({ type, meshId }) => [type, meshId])).toEqual([
      ["trust-domain.transfer-offered", owner.meshId],
      ["trust-domain.transferred", member.meshId],
    ]);
    const typesFor = async ({ token }: { token: string }) => {
      const query = `/v1/audit-events?trustDomain=${owner.trustDomain}&limit=2`;
      const { events } = (await broker.api("GET", query, { token })).body;
      return events.map(({ type }: { type: string }) => type);
    };
    for (const side of [owner, member])
      expect(await typesFor(side)).toEqual(["trust-domain.transferred", "trust-domain.transfer-offered"]);
    expect((await typesFor(third))[0]).toBe("trust-domain.transferred");
    expect(await typesFor(third)).not.toContain("trust-domain.transfer-offered");
  });

  it("a veto of the former owner is the new owner's to lift, also where that is a side itself: by its grant", async () => {
    const { owner, member, peer } = await three();
    const third = (await joinMesh(broker, `${owner.meshId}-third`, owner)) as TestMesh;
    const vetoed: string[] = [];
    for (const side of [member, third]) {
      const { federationId } = (await expectStatus(201, propose(broker, peer.token, peer.meshId, side.meshId))).body;
      await expectStatus(200, decide(broker, side, federationId, "grant"));
      expect((await expectStatus(200, decide(broker, owner, federationId, "deny"))).body.state).toBe("denied");
      vetoed.push(federationId);
    }
    const [own = "", others = ""] = vetoed;
    await expectStatus(200, answer(member, await offered(owner, member.meshId), "accept"));
    expect(await served(broker, peer, owner.trustDomain)).toBe("tombstone");
    await refused("not-found", decide(broker, owner, others, "grant"));
    expect((await expectStatus(200, decide(broker, member, others, "grant"))).body.state).toBe("active");
    expect((await expectStatus(200, decide(broker, member, own, "grant"))).body).toMatchObject({
      state: "active",
      vetoes: [],
    });
    expect(await served(broker, peer, owner.trustDomain)).toBe("bundle");
  });
});
