import { createPublicKey, sign } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { pemOf } from "../../src/pki/pem.ts";
import { HOUR_MS } from "../../src/time.ts";
import { expectStatus, federate, registerMesh, runBroker, type TestMesh } from "../support/running-broker.ts";
import { type TestCa, testCa } from "../support/test-ca.ts";
import { testKey } from "../support/test-keys.ts";
import { bareMesh, events, recordedBy, refused, UNLIMITED, upload } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const shop = await registerMesh(broker, "shop");
const bank = await registerMesh(broker, "bank");

interface Admin {
  readonly meshId: string;
  readonly token: string;
}
const pathOf = ({ meshId }: Admin, authorityId: string) => `/v1/meshes/${meshId}/authorities/${authorityId}`;
const get = async (mesh: Admin, path: string) => (await expectStatus(200, broker.api("GET", path, mesh))).body;
const authority = (mesh: Admin, authorityId: string) => get(mesh, pathOf(mesh, authorityId));
const challenge = async (mesh: Admin, authorityId: string) =>
  (await expectStatus(201, broker.api("POST", `${pathOf(mesh, authorityId)}/proof-challenges`, mesh))).body;
const answer = (mesh: Admin, authorityId: string, body: object, query = "") =>
  broker.api("POST", `${pathOf(mesh, authorityId)}/proofs${query}`, { token: mesh.token, body });
const signatureOf = (ca: TestCa, { signedText }: { signedText: string }) => ({
  signature: sign("sha256", Buffer.from(signedText), ca.privateKey).toString("base64url"),
});
const prove = async (mesh: Admin, authorityId: string, ca: TestCa) =>
  (await expectStatus(200, answer(mesh, authorityId, signatureOf(ca, await challenge(mesh, authorityId))))).body;
const fingerprintsServed = async (mesh: TestMesh, trustDomain: string) => {
  const { body } = await broker.pollWeb(`/p/${mesh.pollerToken}/${trustDomain}`);
  return (JSON.parse(body).keys as { x5c: string[] }[]).map(({ x5c }) => x5c[0]);
};
const base64 = ({ der }: { der: Uint8Array }) => Buffer.from(der).toString("base64");

describe("a mesh proves that it holds the key of an authority", () => {
  it("by a certificate that the CA issued for the challenge; the view, the log and its ETag say so", async () => {
    const before = await broker.api("GET", pathOf(shop, shop.authorityId), shop);
    expect(before.body).toMatchObject({ proved: false, provedAt: null });
    const asked = await broker.api("POST", `${pathOf(shop, shop.authorityId)}/proof-challenges`, shop);
    expect(asked.headers.location).toBe(pathOf(shop, shop.authorityId));
    const { nonce, spiffeId, signedText, expiresAt } = asked.body;
    expect(Buffer.from(nonce, "base64url")).toHaveLength(32);
    expect(spiffeId).toBe(`spiffe://shop.example/entente/proof/${nonce}`);
    expect(signedText).toBe(`entente-proof:shop.example:${before.body.fingerprint}:${nonce}`);
    expect(Math.round((Date.parse(expiresAt) - Date.now()) / HOUR_MS)).toBe(1);

    const certificate = shop.ca.issueSvid(spiffeId).certificatePem;
    const [event, ...more] = await recordedBy(broker, async () => {
      const { body } = await expectStatus(200, answer(shop, shop.authorityId, { certificate }));
      expect(body).toMatchObject({ proved: true, state: "active" });
    });
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      type: "authority.proved",
      meshId: "shop",
      detail: { fingerprint: before.body.fingerprint, by: "certificate", from: "active", to: "active" },
    });
    const after = await broker.api("GET", pathOf(shop, shop.authorityId), shop);
    expect(after.body).toMatchObject({ proved: true, provedAt: event.at });
    expect(after.headers.etag).not.toBe(before.headers.etag);
  });

  it("a challenge is good once, and only the newest of an authority", async () => {
    const old = await challenge(bank, bank.authorityId);
    const newest = await challenge(bank, bank.authorityId);
    await refused("proof-failed", answer(bank, bank.authorityId, signatureOf(bank.ca, old)));
    await expectStatus(200, answer(bank, bank.authorityId, signatureOf(bank.ca, newest)));
    await refused("proof-challenge-expired", answer(bank, bank.authorityId, signatureOf(bank.ca, newest)));
  });

  it("a proof that fails leaves the challenge open, and one that comes after its hour finds none", async () => {
    const late = await registerMesh(broker, "after-proof");
    const asked = await challenge(late, late.authorityId);
    const wrong = testCa({ trustDomain: late.trustDomain }).issueSvid(asked.spiffeId).certificatePem;
    await refused("proof-failed", answer(late, late.authorityId, { certificate: wrong }));
    broker.moveClock(HOUR_MS + 1_000);
    await refused("proof-challenge-expired", answer(late, late.authorityId, signatureOf(late.ca, asked)));
    broker.moveClock(0);
    await expectStatus(200, answer(late, late.authorityId, signatureOf(late.ca, asked)));
  });

  it("a challenge of one authority is of no use for another, not even of the same key", async () => {
    const renewed = testCa({ trustDomain: shop.trustDomain, privateKey: shop.ca.privateKey, commonName: "renewed" });
    const [{ authorityId }] = (await upload(broker, shop, renewed.certificatePem)).authorities;
    const asked = await challenge(shop, shop.authorityId);
    await refused("proof-challenge-expired", answer(shop, authorityId, signatureOf(shop.ca, asked)));
    await challenge(shop, authorityId);
    await refused("proof-failed", answer(shop, authorityId, signatureOf(shop.ca, asked)));
  });

  it("a JWT signing key by a signature; a revoked authority not at all; exactly one proof at a time", async () => {
    const key = testKey("p256");
    const jwk = { ...createPublicKey(key).export({ format: "jwk" }), kid: "signer" };
    const sent = broker.api("POST", "/v1/meshes/shop/authorities", { token: shop.token, body: { jwk } });
    const [{ authorityId }] = (await expectStatus(201, sent)).body.authorities;
    const { signedText } = await challenge(shop, authorityId);
    const options = { key, dsaEncoding: "ieee-p1363" } as const;
    const signature = sign("sha256", Buffer.from(signedText), options).toString("base64url");
    await refused("invalid-request", answer(shop, authorityId, { signature, jws: "x" }));
    await refused("invalid-request", answer(shop, authorityId, {}));
    await expectStatus(200, answer(shop, authorityId, { signature }));
    const revocation = { token: shop.token, body: { to: "revoked", force: true } };
    await expectStatus(200, broker.api("POST", `${pathOf(shop, authorityId)}/transitions`, revocation));
    await refused("authority-revoked", broker.api("POST", `${pathOf(shop, authorityId)}/proof-challenges`, shop));
  });

  it("S16: another mesh's authority is absent, whatever one knows of it", async () => {
    const path = (suffix: string) => `/v1/meshes/bank/authorities/${shop.authorityId}/${suffix}`;
    await refused("not-found", broker.api("POST", path("proof-challenges"), bank));
    await refused("not-found", broker.api("POST", path("proofs"), { token: bank.token, body: { jws: "x" } }));
  });
});

describe("proved beats unproved where two trust domains want one key (R28, R91)", () => {
  const claimOf = async (claimant: Admin & { trustDomain: string }, privateKey: TestCa["privateKey"], name = "CA") => {
    const ca = testCa({ trustDomain: claimant.trustDomain, privateKey, commonName: name });
    const body = await upload(broker, claimant, ca.certificatePem, { claim: true });
    return { ca, body, authorityId: body.authorities[0].authorityId as string };
  };

  const claiming = (claimant: Admin & { meshId: string; trustDomain: string }, privateKey: TestCa["privateKey"]) => {
    const { certificatePem: pem } = testCa({ trustDomain: claimant.trustDomain, privateKey, commonName: "claiming" });
    const sent = { token: claimant.token, body: { pem, claim: true } };
    return broker.api("POST", `/v1/meshes/${claimant.meshId}/authorities`, sent);
  };

  it("a claim is not published, holds nothing and keeps nobody from renewing; a warning says no name (S21)", async () => {
    const victim = await registerMesh(broker, "victim");
    const thief = await registerMesh(broker, "thief");
    const { ca, body, authorityId } = await claimOf(thief, victim.ca.privateKey);
    expect(body.authorities).toMatchObject([{ state: "claimed", proved: false }]);
    expect(body.warnings).toContainEqual(expect.objectContaining({ code: "key-claimed", pointer: "/pem", block: 1 }));
    expect(JSON.stringify(body.warnings)).not.toContain("victim");
    expect(await fingerprintsServed(thief, "thief.example")).not.toContain(base64(ca));
    const forward = (to: string) =>
      broker.api("POST", `${pathOf(thief, authorityId)}/transitions`, { token: thief.token, body: { to } });
    for (const to of ["prepared", "active", "retired"]) await refused("impossible-transition", forward(to));

    const renewed = { trustDomain: "victim.example", privateKey: victim.ca.privateKey, commonName: "renewed" };
    await upload(broker, victim, testCa(renewed).certificatePem);
    expect(await authority(victim, victim.authorityId)).toMatchObject({ state: "active" });
  });

  it("a further member of the claimant's trust domain does not publish it either", async () => {
    const owner = await registerMesh(broker, "claiming-owner");
    const { ca } = await claimOf(owner, (await registerMesh(broker, "claimed-from")).ca.privateKey);
    const member = await bareMesh(broker, "claiming-member", owner.trustDomain);
    const body = { meshId: member.meshId, decision: "grant" };
    const grant = broker.api("POST", `/v1/trust-domains/${owner.trustDomain}/memberships`, {
      token: owner.token,
      body,
    });
    await expectStatus(200, grant);
    const sent = { token: member.token, body: { pem: ca.certificatePem } };
    await refused("key-known-elsewhere", broker.api("POST", `/v1/meshes/${member.meshId}/authorities`, sent));
    expect(await fingerprintsServed(owner, owner.trustDomain)).not.toContain(base64(ca));
  });

  it("the proof publishes the claim and revokes it where it was unproved; their people learn not by whom (S21)", async () => {
    const squatter = await registerMesh(broker, "squatter");
    const rightful = await registerMesh(broker, "rightful");
    const key = testKey("p256");
    const squatted = testCa({ trustDomain: "squatter.example", privateKey: key });
    const [{ authorityId: lost }] = (await upload(broker, squatter, squatted.certificatePem)).authorities;
    const { ca, authorityId } = await claimOf(rightful, key);
    const proof = signatureOf(ca, await challenge(rightful, authorityId));

    const dry = await expectStatus(200, answer(rightful, authorityId, proof, "?dryRun=true"));
    expect(dry.text).not.toContain("squatter");
    expect(dry.body.revisions).toMatchObject([{ trustDomain: "rightful.example" }]);

    const recorded = await recordedBy(broker, () => expectStatus(200, answer(rightful, authorityId, proof)));
    expect(recorded.map(({ type, meshId, actor }) => [type, meshId, actor.kind])).toEqual([
      ["authority.proved", "rightful", "token"],
      ["authority.claimed-elsewhere", null, "broker"],
      ["bundle.revised", null, "broker"],
      ["bundle.revised", "rightful", "token"],
    ]);
    expect(await authority(rightful, authorityId)).toMatchObject({ state: "prepared", proved: true });
    expect(await authority(squatter, lost)).toMatchObject({ state: "revoked" });
    expect(await fingerprintsServed(squatter, "squatter.example")).toEqual([base64(squatter.ca)]);
    expect(await fingerprintsServed(rightful, "rightful.example")).toContain(base64(ca));

    const seen = await get(squatter, "/v1/audit-events?limit=2");
    expect(seen.events.map(({ type }: { type: string }) => type)).toEqual([
      "bundle.revised",
      "authority.claimed-elsewhere",
    ]);
    const revisions = await get(squatter, "/v1/trust-domains/squatter.example/revisions?limit=1");
    expect(revisions.revisions).toMatchObject([
      { cause: "authority.claimed-elsewhere", meshId: null, actor: "system" },
    ]);
    const [{ actor }] = (await events(broker, "type=authority.proved&limit=1")) as [{ actor: { id: string } }];
    for (const told of [seen, revisions, await authority(squatter, lost)]) {
      expect(JSON.stringify(told)).not.toContain("rightful");
      expect(JSON.stringify(told)).not.toContain(actor.id);
    }
  });

  it("who has proved it renews without a claim; who lost it cannot claim it back", async () => {
    const loser = await registerMesh(broker, "loser");
    const winner = await registerMesh(broker, "winner");
    const { ca, authorityId } = await claimOf(winner, loser.ca.privateKey);
    await prove(winner, authorityId, ca);
    const renewed = { trustDomain: "winner.example", privateKey: ca.privateKey, commonName: "renewed" };
    const { authorities } = await upload(broker, winner, testCa(renewed).certificatePem);
    expect(authorities).toMatchObject([{ state: "prepared" }]);
    const { text } = await refused("key-known-elsewhere", claiming(loser, ca.privateKey));
    expect(text).toContain("proved in another trust domain");
    expect(text).not.toContain("winner");
    expect(await authority(winner, authorityId)).toMatchObject({ state: "prepared" });
  });

  it("a proved one loses to nobody, and stays held when its own mesh revokes it", async () => {
    const careful = await registerMesh(broker, "careful");
    const rival = await registerMesh(broker, "rival");
    const { ca, authorityId } = await claimOf(rival, careful.ca.privateKey);
    await prove(careful, careful.authorityId, careful.ca);
    const attempt = async () => answer(rival, authorityId, signatureOf(ca, await challenge(rival, authorityId)));
    await refused("key-known-elsewhere", attempt());
    expect(await authority(careful, careful.authorityId)).toMatchObject({ state: "active" });
    const revoke = { token: careful.token, body: { to: "revoked", force: true } };
    await expectStatus(200, broker.api("POST", `${pathOf(careful, careful.authorityId)}/transitions`, revoke));
    await refused("key-known-elsewhere", attempt());
    expect(await authority(rival, authorityId)).toMatchObject({ state: "claimed" });
  });

  it("a proved one cannot be claimed: the claim could never be published, whatever became of the other", async () => {
    const prover = await registerMesh(broker, "prover");
    const late = await registerMesh(broker, "claims-proved");
    await prove(prover, prover.authorityId, prover.ca);
    await refused("key-known-elsewhere", claiming(late, prover.ca.privateKey));
    const revoke = { token: prover.token, body: { to: "revoked", force: true } };
    await expectStatus(200, broker.api("POST", `${pathOf(prover, prover.authorityId)}/transitions`, revoke));
    await refused("key-known-elsewhere", claiming(late, prover.ca.privateKey));
    const body = { trustDomains: ["claims-proved.example", "prover.example"], reason: "one root" };
    await expectStatus(201, broker.api("POST", "/v1/shared-key-allowances", { token: broker.operatorToken, body }));
    const { authorities } = (await expectStatus(201, claiming(late, prover.ca.privateKey))).body;
    expect(authorities).toMatchObject([{ state: "prepared" }]);
  });

  it("where an operator allows both to hold it, a proof takes it from nobody", async () => {
    const [east, west] = [await registerMesh(broker, "east"), await registerMesh(broker, "west")];
    const body = { trustDomains: ["east.example", "west.example"], reason: "one root" };
    const { headers } = await broker.api("POST", "/v1/shared-key-allowances", { token: broker.operatorToken, body });
    const shared = testCa({ trustDomain: "west.example", privateKey: east.ca.privateKey });
    const [{ authorityId, state }] = (await upload(broker, west, shared.certificatePem, { claim: true })).authorities;
    expect(state).toBe("prepared");
    await broker.api("DELETE", String(headers.location), { token: broker.operatorToken });
    await prove(west, authorityId, shared);
    expect(await authority(east, east.authorityId)).toMatchObject({ state: "active" });
  });

  it("a claim is proved by the key itself, not by an intermediate below a root that others share", async () => {
    const holder = await registerMesh(broker, "holder");
    const below = await registerMesh(broker, "below");
    const { ca, authorityId } = await claimOf(below, holder.ca.privateKey);
    const { spiffeId } = await challenge(below, authorityId);
    const certificate = ca.intermediate().issueSvid(spiffeId).certificatePem;
    await refused("proof-failed", answer(below, authorityId, { certificate }));
    await expectStatus(200, answer(below, authorityId, { certificate: pemOf(ca.issueSvid(spiffeId).der) }));
  });
});

describe("a federation says whether what its sides provide is proved", () => {
  const proved = async (federationId: string, mesh: Admin) => {
    const { conditions } = await get(mesh, `/v1/federations/${federationId}`);
    return conditions.find(({ type }: { type: string }) => type === "Proved");
  };

  it("active: of all that is served now; by name of what is not", async () => {
    const [a, b] = [await registerMesh(broker, "proving-a"), await registerMesh(broker, "proving-b")];
    const federationId = await federate(broker, a, b);
    const fingerprint = async (mesh: TestMesh) => (await authority(mesh, mesh.authorityId)).fingerprint;
    const unproved = await proved(federationId, a);
    expect(unproved).toMatchObject({ status: "False", reason: "SomeUnproved" });
    for (const mesh of [a, b]) expect(unproved.message).toContain(await fingerprint(mesh));
    await prove(a, a.authorityId, a.ca);
    expect((await proved(federationId, b)).message).toBe(
      `1 of proving-b.example not proved: ${await fingerprint(b)} (of 2)`,
    );
    await prove(b, b.authorityId, b.ca);
    const whole = await proved(federationId, a);
    expect(whole).toMatchObject({ status: "True", reason: "AllProved" });
    expect(whole.lastTransitionTime).toBe((await authority(b, b.authorityId)).provedAt);
    await upload(broker, b, testCa({ trustDomain: b.trustDomain }).certificatePem);
    expect(await proved(federationId, a)).toMatchObject({ status: "False" });
  });

  it("pending: of what was shown with the proposal, and of nothing that came later (S20, S21); ended: not at all", async () => {
    const [a, b] = [await registerMesh(broker, "waiting-a"), await registerMesh(broker, "waiting-b")];
    const body = { proposer: a.meshId, peer: b.meshId, trust: [{ consumer: a.meshId, provider: b.meshId }] };
    const { federationId } = (await broker.api("POST", "/v1/federations", { token: a.token, body })).body;
    await prove(b, b.authorityId, b.ca);
    expect(await proved(federationId, a)).toMatchObject({ status: "True" });
    await upload(broker, b, testCa({ trustDomain: b.trustDomain }).certificatePem);
    expect(await proved(federationId, a)).toMatchObject({ status: "True" });
    const deny = { token: b.token, body: { meshId: b.meshId, decision: "deny" } };
    await expectStatus(200, broker.api("POST", `/v1/federations/${federationId}/consents`, deny));
    expect(await proved(federationId, a)).toBeUndefined();
  });
});
