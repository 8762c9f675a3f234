import { createPublicKey } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, registerMesh, runBroker, type TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { testKey } from "../support/test-keys.ts";
import { type BareMesh, bareMesh, refused, UNLIMITED, upload } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());

const STATES = ["prepared", "active", "retiring", "retired", "revoked"] as const;
type State = (typeof STATES)[number];
/** The table of the issue: states of a contribution. */
const FOLLOWS: Record<State, readonly State[]> = {
  prepared: ["active", "retired", "revoked"],
  active: ["retiring", "revoked"],
  retiring: ["active", "retired", "revoked"],
  retired: ["revoked"],
  revoked: [],
};
/** A way from `prepared` to each state. */
const WAY: Record<State, readonly State[]> = {
  prepared: [],
  active: ["active"],
  retiring: ["active", "retiring"],
  retired: ["retired"],
  revoked: ["revoked"],
};
const PUBLISHED: readonly State[] = ["prepared", "active", "retiring"];

const move = ({ meshId, token }: BareMesh, authorityId: string, to: string, more: object = {}) =>
  broker.api("POST", `/v1/meshes/${meshId}/authorities/${authorityId}/transitions`, { token, body: { to, ...more } });
const published = async ({ pollerToken, trustDomain }: TestMesh): Promise<string[]> =>
  JSON.parse((await broker.pollWeb(`/p/${pollerToken}/${trustDomain}`)).body).keys.map(
    ({ x5c, kid }: { x5c?: string[]; kid?: string }) => x5c?.[0] ?? kid,
  );
const certificateOf = ({ der }: { der: Uint8Array }) => Buffer.from(der).toString("base64");
const newCa = ({ trustDomain }: BareMesh) => testCa({ trustDomain });
const add = async (mesh: BareMesh, ca = newCa(mesh), more = {}) => {
  const [{ authorityId, state }] = (await upload(broker, mesh, ca.certificatePem, more)).authorities;
  return { ca, authorityId: authorityId as string, state: state as State };
};
/** A granted further member of the mesh's trust domain. */
async function memberOf(owner: BareMesh, meshId: string): Promise<BareMesh> {
  const member = await bareMesh(broker, meshId, owner.trustDomain);
  const path = `/v1/trust-domains/${owner.trustDomain}/memberships`;
  const body = { meshId, decision: "grant" };
  await expectStatus(200, broker.api("POST", path, { token: owner.token, body }));
  return member;
}

const shop = await registerMesh(broker, "shop");

describe("states of a contribution", () => {
  it("the first upload of a domain is active, later ones are prepared unless asked otherwise", async () => {
    const mesh = await bareMesh(broker, "starter");
    expect((await add(mesh)).state).toBe("active");
    expect((await add(mesh)).state).toBe("prepared");
    expect((await add(mesh, undefined, { state: "active" })).state).toBe("active");
  });

  it("in a domain that was freed and registered again, what the earlier owner brought was no upload of it", async () => {
    const earlier = await bareMesh(broker, "earlier", "again.example");
    await add(earlier);
    await expectStatus(200, broker.api("DELETE", "/v1/meshes/earlier", { token: earlier.token }));
    const { operatorToken: token } = broker;
    const asked = { meshId: "later", trustDomain: "again.example" };
    await expectStatus(201, broker.api("POST", "/v1/meshes", { token, body: asked }));
    const admin = { name: "admin", role: "mesh-admin", meshes: ["later"] };
    const made = await expectStatus(201, broker.api("POST", "/v1/tokens", { token, body: admin }));
    const later = { ...asked, token: made.body.token };
    expect((await add(later)).state).toBe("active");
    expect((await add(later)).state).toBe("prepared");
  });

  const pairs = STATES.flatMap((from) => STATES.map((to) => ({ from, to, possible: FOLLOWS[from].includes(to) })));
  it.each(pairs.filter(({ possible }) => possible))(
    "$from → $to is possible, and is what is published",
    async ({ from, to }) => {
      const { authorityId, ca } = await add(shop);
      for (const step of WAY[from]) await expectStatus(200, move(shop, authorityId, step));
      const { body } = await expectStatus(200, move(shop, authorityId, to, { reason: "because" }));
      expect(body).toMatchObject({ authorityId, state: to, reason: "because" });
      const read = await broker.api("GET", `/v1/meshes/shop/authorities/${authorityId}`, { token: shop.token });
      expect(read.body).toEqual(body);
      expect((await published(shop)).includes(certificateOf(ca))).toBe(PUBLISHED.includes(to));
    },
  );

  it.each(pairs.filter(({ possible }) => !possible))(
    "$from → $to is refused, naming what is possible",
    async ({ from, to }) => {
      const { authorityId, ca } = await add(shop);
      for (const step of WAY[from]) await expectStatus(200, move(shop, authorityId, step));
      const { body } = await refused("impossible-transition", move(shop, authorityId, to, { force: true }));
      expect(body.possible).toEqual(FOLLOWS[from]);
      for (const possible of FOLLOWS[from]) expect(body.detail).toContain(possible);
      expect((await published(shop)).includes(certificateOf(ca))).toBe(PUBLISHED.includes(from));
    },
  );

  it("what is no state is refused with the states named", async () => {
    const { body } = await refused("invalid-request", move(shop, shop.authorityId, "gone"));
    for (const state of STATES) expect(body.detail).toContain(state);
  });

  it("S16: an absent authority and another mesh's answer alike", async () => {
    const other = await registerMesh(broker, "bystander");
    await refused("not-found", move(shop, other.authorityId, "retiring"));
    await refused("not-found", move(shop, "aut_absent", "retiring"));
  });
});

describe("a bundle is not emptied by mistake", () => {
  it.each(["retired", "revoked"])("the last published authority becomes %s with force alone", async (to) => {
    const mesh = await registerMesh(broker, `last-${to}`);
    if (to === "retired") await expectStatus(200, move(mesh, mesh.authorityId, "retiring"));
    const { body } = await refused("would-empty-bundle", move(mesh, mesh.authorityId, to));
    expect(body.pointer).toBe("/to");
    expect(await published(mesh)).toHaveLength(1);
    await expectStatus(200, move(mesh, mesh.authorityId, to, { force: true }));
    expect(await published(mesh)).toEqual([]);
  });

  it("nothing need be forced where another is published, or none was", async () => {
    const mesh = await registerMesh(broker, "spare");
    const { authorityId } = await add(mesh);
    await expectStatus(200, move(mesh, mesh.authorityId, "revoked"));
    await expectStatus(200, move(mesh, authorityId, "retired", { force: true }));
    await expectStatus(200, move(mesh, authorityId, "revoked"));
  });
});

describe("the last of a type is not taken by mistake", () => {
  it("who trusts by CA certificates is not served by a JWT key that is left, nor the other way round", async () => {
    const mesh = await registerMesh(broker, "both-types");
    const jwk = { ...createPublicKey(testKey("p256")).export({ format: "jwk" }), kid: "one" };
    const added = await broker.api("POST", "/v1/meshes/both-types/authorities", {
      token: mesh.token,
      body: { jwk, state: "active" },
    });
    const { authorityId } = added.body.authorities[0];
    for (const [last, kind] of [
      [mesh.authorityId, "CA certificate"],
      [authorityId, "JWT signing key"],
    ] as const) {
      const { body } = await refused("would-empty-bundle", move(mesh, last, "revoked"));
      expect(body.detail).toContain(kind);
    }
    expect(await published(mesh)).toHaveLength(2);
  });

  it("a member that goes does not take it from the others, unless it is meant", async () => {
    const owner = await bareMesh(broker, "bare-owner", "bare-owner.example");
    const member = await memberOf(owner, "bringer");
    await add(member);
    const gone = (query = "") => broker.api("DELETE", `/v1/meshes/bringer${query}`, { token: member.token });
    await refused("would-empty-bundle", gone());
    expect((await broker.api("GET", "/v1/meshes/bringer", { token: member.token })).status).toBe(200);
    await expectStatus(200, gone("?force=true"));
  });
});

describe("two members contribute the same authority", () => {
  it("one's retirement does not unpublish it while the other still publishes it", async () => {
    const owner = await registerMesh(broker, "twin");
    const member = await memberOf(owner, "twin-2");
    const shared = await add(owner);
    const same = await add(member, shared.ca);
    expect(same.authorityId).toBe(shared.authorityId);
    expect((await published(owner)).filter((one) => one === certificateOf(shared.ca))).toHaveLength(1);
    await expectStatus(200, move(owner, shared.authorityId, "retired"));
    expect(await published(owner)).toContain(certificateOf(shared.ca));
    await expectStatus(200, move(member, shared.authorityId, "retired"));
    expect(await published(owner)).not.toContain(certificateOf(shared.ca));
  });

  it("a member cannot bar another's by revoking it first: only the owner revokes what is not proved", async () => {
    const owner = await registerMesh(broker, "late-owner");
    const member = await memberOf(owner, "early-member");
    const ca = testCa({ trustDomain: owner.trustDomain });
    const { authorityId } = await add(member, ca);
    await refused("not-the-owner", move(member, authorityId, "revoked", { force: true }));
    await expectStatus(200, move(member, authorityId, "retired", { force: true }));
    expect((await add(owner, ca)).authorityId).toBe(authorityId);
  });

  it("R43: under one `kid`: under another it is refused, since its tokens would match nothing", async () => {
    const owner = await registerMesh(broker, "kid-owner");
    const member = await memberOf(owner, "kid-member");
    const jwk = createPublicKey(testKey("p256")).export({ format: "jwk" });
    const bring = (mesh: { meshId: string; token: string }, kid: string) =>
      broker.api("POST", `/v1/meshes/${mesh.meshId}/authorities`, {
        token: mesh.token,
        body: { jwk: { ...jwk, kid } },
      });
    await expectStatus(201, bring(owner, "one"));
    const { body } = await refused("authority-exists", bring(member, "two"));
    expect([body.detail, body.pointer]).toEqual([expect.stringContaining('"one"'), "/jwk/kid"]);
    await expectStatus(201, bring(member, "one"));
  });

  it("revoked overrides every contribution, now and later", async () => {
    const owner = await registerMesh(broker, "stern");
    const member = await memberOf(owner, "stern-2");
    const late = await memberOf(owner, "stern-3");
    const { authorityId, ca } = await add(owner);
    await add(member, ca);
    // A CA certificate is public: that a member brings it too does not make it the member's to end for good.
    await refused("not-the-owner", move(member, authorityId, "revoked", { reason: "stolen", force: true }));
    expect(await published(owner)).toContain(certificateOf(ca));
    await expectStatus(200, move(owner, authorityId, "revoked", { reason: "stolen" }));
    expect(await published(owner)).not.toContain(certificateOf(ca));
    const seen = await broker.api("GET", `/v1/meshes/stern/authorities/${authorityId}`, { token: owner.token });
    expect(seen.body).toMatchObject({ state: "revoked", reason: "stolen" });
    await refused("impossible-transition", move(owner, authorityId, "active"));
    const again = broker.api("POST", "/v1/meshes/stern-3/authorities", {
      token: late.token,
      body: { pem: ca.certificatePem },
    });
    await refused("authority-revoked", again);

    const renewed = testCa({ trustDomain: owner.trustDomain, privateKey: ca.privateKey, commonName: "renewed" });
    const { warnings } = await upload(broker, late, renewed.certificatePem);
    expect(warnings).toMatchObject([{ code: "key-of-revoked-authority", pointer: "/pem", block: 1 }]);
  });
});
