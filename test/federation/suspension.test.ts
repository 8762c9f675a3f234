import { afterAll, describe, expect, it } from "vitest";
import { idOf, refused, UNLIMITED } from "../api/api-fixture.ts";
import { type ApiAnswer, expectStatus, federate, runBroker, type TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { bundle, decide, joinMesh, poll, readFederation, served, twoMeshes } from "./federation-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const token = broker.operatorToken;
const WHY = "its CA key is for sale";

const suspend = ({ meshId }: Pick<TestMesh, "meshId">): Promise<ApiAnswer> =>
  broker.api("POST", `/v1/meshes/${meshId}/suspension`, { token, body: { reason: WHY } });
const lift = ({ meshId }: Pick<TestMesh, "meshId">): Promise<ApiAnswer> =>
  broker.api("DELETE", `/v1/meshes/${meshId}/suspension`, { token });
const eventsOf = async (reader: string, query: string): Promise<ApiAnswer> =>
  expectStatus(200, broker.api("GET", `/v1/audit-events?limit=50&${query}`, { token: reader }));

describe("an operator suspends a mesh", () => {
  it("both sides get tombstones of each other at once; its own pollers go on with its own bundle", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop);
    const before = {
      bank: await bundle(poll(broker, bank, shop.trustDomain)),
      shop: await bundle(poll(broker, shop, bank.trustDomain)),
    };
    const { body, headers } = await expectStatus(201, suspend(shop));
    expect(body).toMatchObject({ meshId: shop.meshId, reason: WHY, suspendedBy: expect.stringMatching(/^tok_/) });
    expect(headers.location).toBe(`/v1/meshes/${shop.meshId}/suspension`);
    const told = {
      bank: await bundle(poll(broker, bank, shop.trustDomain)),
      shop: await bundle(poll(broker, shop, bank.trustDomain)),
    };
    expect([told.bank.keys, told.shop.keys]).toEqual([[], []]);
    expect(told.bank.spiffe_sequence).toBeGreaterThan(before.bank.spiffe_sequence);
    expect(await served(broker, shop, shop.trustDomain)).toBe("bundle");
    expect(await served(broker, bank, bank.trustDomain)).toBe("bundle");

    await expectStatus(200, lift(shop));
    const after = {
      bank: await bundle(poll(broker, bank, shop.trustDomain)),
      shop: await bundle(poll(broker, shop, bank.trustDomain)),
    };
    expect(after.bank.keys).toEqual(before.bank.keys);
    expect(after.shop.keys).toEqual(before.shop.keys);
    expect(after.bank.spiffe_sequence).toBeGreaterThan(told.bank.spiffe_sequence);
    expect(after.shop.spiffe_sequence).toBeGreaterThan(told.shop.spiffe_sequence);
  });

  it("another member of its trust domain, and those who trust the domain through that one, notice nothing", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const member = await joinMesh(broker, `${shop.meshId}-east`, shop);
    await federate(broker, bank, member as TestMesh);
    await expectStatus(201, suspend(shop));
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
    expect(await served(broker, member, bank.trustDomain)).toBe("bundle");
    expect(await served(broker, member, shop.trustDomain)).toBe("bundle");
  });

  it("the federation says so to both sides, without the reason; afterwards it says since when it is over", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const id = await federate(broker, bank, shop);
    const { suspendedAt } = (await expectStatus(201, suspend(shop))).body;
    for (const side of [bank, shop]) {
      const { body, text } = await readFederation(broker, side, id);
      expect(body.state).toBe("suspended");
      for (const type of ["Unsuspended", "Active"]) {
        const found = { type, status: "False", reason: "Suspended", lastTransitionTime: suspendedAt };
        expect(body.conditions).toContainEqual(expect.objectContaining(found));
      }
      expect(text).toContain(shop.meshId);
      expect(text).not.toContain(WHY);
    }
    await expectStatus(200, lift(shop));
    const { body } = await readFederation(broker, bank, id);
    const [active, unsuspended] = ["Active", "Unsuspended"].map((type) =>
      body.conditions.find((found: { type: string }) => found.type === type),
    );
    expect([body.state, active.status, unsuspended.status]).toEqual(["active", "True", "True"]);
    expect(active.lastTransitionTime).toBe(unsuspended.lastTransitionTime);
    expect(Date.parse(active.lastTransitionTime)).toBeGreaterThanOrEqual(Date.parse(suspendedAt));
  });

  it("S21: its own people read why, by whom and when; its peers read nothing of it but what ends for them", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop);
    await expectStatus(201, suspend(shop));
    const path = `/v1/meshes/${shop.meshId}/suspension`;
    expect((await expectStatus(200, broker.api("GET", path, { token: shop.token }))).body.reason).toBe(WHY);
    expect(
      (await broker.api("GET", `/v1/meshes/${shop.meshId}`, { token: shop.token })).body.suspendedAt,
    ).not.toBeNull();
    await refused("not-found", broker.api("GET", path, { token: bank.token }));
    const own = (await eventsOf(shop.token, "type=mesh.suspended")).body.events;
    expect(own).toMatchObject([{ actor: { kind: "token" }, detail: { reason: WHY } }]);
    const theirs = await eventsOf(bank.token, "");
    expect(theirs.text).not.toContain(WHY);
    expect(theirs.body.events.map(({ type }: { type: string }) => type)).toContain("bundle-access.withdrawn");
    expect(theirs.body.events.map(({ type }: { type: string }) => type)).not.toContain("mesh.suspended");
  });

  it("S21: of what it ends for a peer that one reads type, time and outcome, and nothing of the operator", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop);
    await expectStatus(201, suspend(shop));
    await expectStatus(200, lift(shop));
    const operator = idOf(token);
    const told = await eventsOf(bank.token, "order=asc");
    const types = ["bundle-access.withdrawn", "bundle-access.regranted"];
    const derived = told.body.events.filter(({ type }: { type: string }) => types.includes(type));
    expect(derived).toMatchObject(
      types.map((type) => ({ type, outcome: "done", actor: null, source: null, requestId: null, detail: null })),
    );
    expect(told.text).not.toContain(operator);
    expect((await eventsOf(bank.token, `actor=${operator}`)).body.events).toEqual([]);
    const own = (await eventsOf(shop.token, `order=asc&actor=${operator}`)).body.events;
    for (const type of ["mesh.suspended", "mesh.suspension-ended", ...types])
      expect(own).toContainEqual(
        expect.objectContaining({ type, actor: { kind: "token", id: operator }, source: null }),
      );
  });

  it("its tokens read and change nothing but what they take back; a peer's still do, and an operator's too", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const id = await federate(broker, bank, shop);
    await expectStatus(201, suspend(shop));
    const as = (method: string, path: string, body?: object) =>
      broker.api(method, path, { token: shop.token, ...(body ? { body } : {}) });
    const own = `/v1/meshes/${shop.meshId}`;
    const changes: readonly [method: string, path: string, body?: object][] = [
      ["PATCH", own, { displayName: "New" }],
      ["DELETE", `${own}?withdraw=true`],
      ["POST", `${own}/authorities`, { pem: testCa({ trustDomain: shop.trustDomain }).certificatePem }],
      ["POST", `${own}/authorities/${shop.authorityId}/proof-challenges`],
      ["POST", `${own}/pollers`, { name: "more" }],
      ["POST", `${own}/pollers/${shop.pollerId}/rotations`, {}],
      ["PATCH", `/v1/trust-domains/${shop.trustDomain}`, { public: true }],
      ["POST", "/v1/tokens", { name: "more", role: "mesh-admin", meshes: [shop.meshId] }],
    ];
    for (const [method, path, body] of changes) await refused("mesh-suspended", as(method, path, body));
    for (const path of [own, `${own}/authorities`, `${own}/pollers`, `/v1/federations/${id}`, "/v1/audit-events"])
      await expectStatus(200, as("GET", path));
    const refusals = (await eventsOf(shop.token, "type=request.refused")).body.events;
    expect(refusals).toHaveLength(changes.length);
    await refused("mesh-suspended", suspend(shop));
    await expectStatus(200, decide(broker, bank, id, "withdraw"));
    await expectStatus(200, lift(shop));
    await refused("not-found", lift(shop));
    await expectStatus(200, as("PATCH", own, { displayName: "New" }));
  });

  it("takes back what may be stolen or no longer wanted: an authority, a poller, a token, a code, a consent", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const id = await federate(broker, bank, shop);
    const own = `/v1/meshes/${shop.meshId}`;
    const as = (method: string, path: string, body?: object) =>
      broker.api(method, path, { token: shop.token, ...(body ? { body } : {}) });
    const next = testCa({ trustDomain: shop.trustDomain }).certificatePem;
    const { authorities } = (await expectStatus(201, as("POST", `${own}/authorities`, { pem: next }))).body;
    const viewer = { name: "reads", role: "mesh-viewer", meshes: [shop.meshId] };
    const { tokenId } = (await expectStatus(201, as("POST", "/v1/tokens", viewer))).body;
    const { codeId } = (await expectStatus(201, as("POST", `${own}/federation-codes`, {}))).body;
    await expectStatus(
      200,
      as("POST", `${own}/authorities/${authorities[0].authorityId}/transitions`, { to: "active" }),
    );
    await expectStatus(201, suspend(shop));
    const revoke = { to: "revoked", reason: "its key was stolen" };
    await expectStatus(200, as("POST", `${own}/authorities/${shop.authorityId}/transitions`, revoke));
    await expectStatus(
      200,
      as("POST", `/v1/federations/${id}/consents`, { meshId: shop.meshId, decision: "withdraw" }),
    );
    await expectStatus(200, as("DELETE", `${own}/federation-codes/${codeId}`));
    await expectStatus(200, as("DELETE", `/v1/tokens/${tokenId}`));
    await expectStatus(200, as("DELETE", `${own}/pollers/${shop.pollerId}`));
    await refused("mesh-suspended", as("POST", `${own}/pollers`, { name: "another" }));
    await expectStatus(200, lift(shop));
  });

  it("a member that may not revoke its CA takes it out of the bundle by retiring it; what it cannot prove now it is not asked to", async () => {
    const { shop } = await twoMeshes(broker);
    const member = await joinMesh(broker, `${shop.meshId}-west`, shop);
    const path = `/v1/meshes/${member.meshId}/authorities`;
    const { certificatePem } = testCa({ trustDomain: shop.trustDomain });
    const sent = { token: member.token, body: { pem: certificatePem, state: "active" } };
    const [{ authorityId }] = (await expectStatus(201, broker.api("POST", path, sent))).body.authorities;
    await expectStatus(201, suspend(member));
    const move = (to: string) =>
      broker.api("POST", `${path}/${authorityId}/transitions`, { token: member.token, body: { to } });
    await refused("not-the-owner", move("revoked"));
    await refused("mesh-suspended", broker.api("POST", `${path}/${authorityId}/proof-challenges`, member));
    expect((await bundle(poll(broker, shop, shop.trustDomain))).keys).toHaveLength(2);
    await expectStatus(200, move("retiring"));
    await refused("mesh-suspended", move("active"));
    await expectStatus(200, move("retired"));
    expect((await bundle(poll(broker, shop, shop.trustDomain))).keys).toHaveLength(1);
  });

  it("what it gave its word on before stays open: a federation code, an offer of its trust domain; it can take both back", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const member = await joinMesh(broker, `${shop.meshId}-heir`, shop);
    const as = (by: { token: string }, path: string, body: object) =>
      broker.api("POST", path, { token: by.token, body });
    const transfers = `/v1/trust-domains/${shop.trustDomain}/transfers`;
    const offer = async () => (await expectStatus(201, as(shop, transfers, { meshId: member.meshId }))).body.transferId;
    const decided = (id: string, by: { token: string; meshId: string }, decision: string) =>
      expectStatus(200, as(by, `${transfers}/${id}/decisions`, { meshId: by.meshId, decision }));
    const { code } = (await expectStatus(201, as(shop, `/v1/meshes/${shop.meshId}/federation-codes`, {}))).body;
    const takenBack = await offer();
    await expectStatus(201, suspend(shop));
    await decided(takenBack, shop, "withdraw");
    const { body } = await expectStatus(201, as(bank, "/v1/federations", { proposer: bank.meshId, code }));
    expect(body.state).toBe("suspended");
    await expectStatus(200, lift(shop));
    const left = await offer();
    await expectStatus(201, suspend(shop));
    await decided(left, member, "accept");
  });

  it("the owner of a trust domain still expels a member and vetoes its federations", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const member = await joinMesh(broker, `${shop.meshId}-member`, shop);
    const id = await federate(broker, member, bank);
    await expectStatus(201, suspend(shop));
    const as = (path: string, body: object) => broker.api("POST", path, { token: shop.token, body });
    await expectStatus(200, as(`/v1/federations/${id}/consents`, { meshId: shop.meshId, decision: "deny" }));
    const memberships = `/v1/trust-domains/${shop.trustDomain}/memberships`;
    await expectStatus(200, as(memberships, { meshId: member.meshId, decision: "expel" }));
    await refused("mesh-suspended", as(memberships, { meshId: member.meshId, decision: "grant" }));
    await expectStatus(200, lift(shop));
  });

  it("a token that speaks for another mesh too still changes that one, and no other", async () => {
    for (const meshId of ["twin-a", "twin-b"]) {
      const body = { meshId, trustDomain: `${meshId}.example` };
      await expectStatus(201, broker.api("POST", "/v1/meshes", { token, body }));
    }
    const body = { name: "twins", role: "mesh-admin", meshes: ["twin-a", "twin-b"] };
    const twins = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token, body }))).body.token;
    await expectStatus(201, suspend({ meshId: "twin-a" }));
    const rename = (meshId: string) =>
      broker.api("PATCH", `/v1/meshes/${meshId}`, { token: twins, body: { displayName: "New" } });
    const viewer = (...meshes: string[]) =>
      broker.api("POST", "/v1/tokens", { token: twins, body: { name: "v", role: "mesh-viewer", meshes } });
    await expectStatus(200, rename("twin-b"));
    await expectStatus(201, viewer("twin-b"));
    await refused("mesh-suspended", rename("twin-a"));
    await refused("mesh-suspended", viewer("twin-a", "twin-b"));
  });

  it("who was never served anything is not shown a tombstone, and a federation agreed meanwhile serves when it is over", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const proposed = await broker.api("POST", "/v1/federations", {
      token: shop.token,
      body: { proposer: shop.meshId, peer: bank.meshId },
    });
    const id = proposed.body.federationId;
    await expectStatus(201, suspend(shop));
    await expectStatus(200, decide(broker, bank, id, "grant"));
    expect(await served(broker, bank, shop.trustDomain)).toBe(404);
    await expectStatus(200, lift(shop));
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
  });
});
