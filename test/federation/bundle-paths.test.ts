import { createPublicKey, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectStatus, federate, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { testKey } from "../support/test-keys.ts";
import { bundle, decide, poll, served, twoMeshes } from "./federation-fixture.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await runBroker();
});
afterAll(() => broker.remove());

const GENERATION = 2 ** 32;

const patchDomain = (mesh: TestMesh, body: Record<string, unknown>) =>
  expectStatus(200, broker.api("PATCH", `/v1/trust-domains/${mesh.trustDomain}`, { token: mesh.token, body }));

const newestEvent = async (type: string, about: string) => {
  const path = `/v1/audit-events?type=${type}&${about}&limit=1`;
  return (await broker.api("GET", path, { token: broker.operatorToken })).body.events[0];
};

describe("both profiles", () => {
  it("serve the broker's own bundle to anybody, and it verifies the https_spiffe endpoint itself (R70)", async () => {
    const spiffe = await broker.pollSpiffe("/bundle");
    const web = await broker.pollWeb("/bundle");
    expect([spiffe.status, web.status]).toEqual([200, 200]);
    expect(web.body).toBe(spiffe.body);
    const [key] = (await bundle(broker.pollSpiffe("/bundle"))).keys as { x5c: string[] }[];
    const served = new X509Certificate(Buffer.from(key?.x5c[0] ?? "", "base64"));
    expect(served.raw).toEqual(new X509Certificate(broker.adminCa).raw);
  });

  it("serve a federated bundle in the same bytes, in each projection with an ETag of its own", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop);
    const jwk = { ...createPublicKey(testKey("p256")).export({ format: "jwk" }), kid: "signer" };
    const { token, meshId } = shop;
    await expectStatus(201, broker.api("POST", `/v1/meshes/${meshId}/authorities`, { token, body: { jwk } }));
    const etags = new Set<string>();
    for (const projection of ["", "/istio", "/pem"]) {
      const path = `/p/${bank.pollerToken}/${shop.trustDomain}${projection}`;
      const [spiffe, web] = [await broker.pollSpiffe(path), await broker.pollWeb(path)];
      expect([spiffe.status, web.status]).toEqual([200, 200]);
      expect(web.body).toBe(spiffe.body);
      expect(web.headers.etag).toBe(spiffe.headers.etag);
      etags.add(spiffe.headers.etag ?? "");
    }
    expect(etags.size).toBe(3);
    const pem = await broker.pollWeb(`/p/${bank.pollerToken}/${shop.trustDomain}/pem`);
    expect(new X509Certificate(pem.body).raw).toEqual(Buffer.from(shop.ca.der));
    const istio = JSON.parse((await broker.pollWeb(`/p/${bank.pollerToken}/${shop.trustDomain}/istio`)).body);
    const whole = await bundle(poll(broker, bank, shop.trustDomain));
    expect(whole.keys.map(({ use }) => use)).toEqual(["x509-svid", "jwt-svid"]);
    expect(istio.keys.map(({ use }: { use: string }) => use)).toEqual(["x509-svid"]);
    expect(Number.isInteger(istio.spiffe_refresh_hint)).toBe(true);
  });

  it("answer an unknown token, an absent and a forbidden trust domain with the same 404, without `keys` (S32)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const answers = [
      await poll(broker, bank, shop.trustDomain),
      await poll(broker, bank, "absent.example"),
      await poll(broker, { pollerToken: "A".repeat(43) }, shop.trustDomain),
      await broker.pollWeb(`/bundles/${shop.trustDomain}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(JSON.parse(answers[0]?.body ?? "")).not.toHaveProperty("keys");
  });
});

describe("a trust domain", () => {
  it("is served to anybody while its owner declares it public, and answers 404 after (issue 4, §4)", async () => {
    const { bank } = await twoMeshes(broker);
    const path = `/bundles/${bank.trustDomain}`;
    expect((await broker.pollWeb(path)).status).toBe(404);
    await patchDomain(bank, { public: true });
    const open = await broker.pollWeb(path);
    expect(open.status).toBe(200);
    expect(open.body).toBe((await poll(broker, bank, bank.trustDomain)).body);
    await patchDomain(bank, { public: false });
    expect((await broker.pollWeb(path)).status).toBe(404);
    expect(await served(broker, bank, bank.trustDomain)).toBe("bundle");
  });

  it("has a new revision when its refresh hint changes, and none when it is set to what it is (R18)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop);
    const before = await bundle(poll(broker, bank, shop.trustDomain));
    await patchDomain(shop, { refreshHintSeconds: 120 });
    const after = await bundle(poll(broker, bank, shop.trustDomain));
    expect(after).toEqual({
      keys: before.keys,
      spiffe_refresh_hint: 120,
      spiffe_sequence: expect.any(Number),
    });
    expect(after.spiffe_sequence).toBeGreaterThan(before.spiffe_sequence);
    await patchDomain(shop, { refreshHintSeconds: 120 });
    expect(await bundle(poll(broker, bank, shop.trustDomain))).toEqual(after);
    const path = `/v1/trust-domains/${shop.trustDomain}/revisions`;
    const { revisions } = (await broker.api("GET", path, { token: shop.token })).body;
    expect(revisions.map(({ sequence }: { sequence: number }) => sequence)).toEqual([
      after.spiffe_sequence,
      before.spiffe_sequence,
    ]);
  });
});

describe("the sequence is generation × 2^32 + the audit position of", () => {
  it("the revision, and every consumer is served its stored bundle", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop);
    const { certificatePem } = testCa({ trustDomain: shop.trustDomain });
    const { token, meshId, trustDomain } = shop;
    await expectStatus(
      201,
      broker.api("POST", `/v1/meshes/${meshId}/authorities`, { token, body: { pem: certificatePem } }),
    );
    const shown = await bundle(poll(broker, bank, trustDomain));
    const event = await newestEvent("bundle.revised", `trustDomain=${trustDomain}`);
    const { sequence } = (await broker.api("GET", `/v1/trust-domains/${trustDomain}`, { token })).body;
    expect(shown.spiffe_sequence).toBe(sequence);
    expect(sequence % GENERATION).toBe(event.position);
    const revision = await broker.api("GET", `/v1/trust-domains/${trustDomain}/revisions/${sequence}`, { token });
    expect(revision.body.bundle).toEqual(shown);
    expect(await bundle(poll(broker, shop, trustDomain))).toEqual(shown);
  });

  it("the withdrawal and the re-grant, of which other consumers notice nothing", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const { bank: other } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    await federate(broker, other, shop);
    const first = await bundle(poll(broker, bank, shop.trustDomain));
    const generation = first.spiffe_sequence - (first.spiffe_sequence % GENERATION);
    const others = await poll(broker, other, shop.trustDomain);

    await decide(broker, shop, federationId, "withdraw");
    const tombstone = await bundle(poll(broker, bank, shop.trustDomain));
    const withdrawn = await newestEvent("bundle-access.withdrawn", `meshId=${bank.meshId}`);
    expect(tombstone).toMatchObject({ keys: [], spiffe_sequence: generation + withdrawn.position });

    await decide(broker, shop, federationId, "grant");
    const again = await bundle(poll(broker, bank, shop.trustDomain));
    const regranted = await newestEvent("bundle-access.regranted", `meshId=${bank.meshId}`);
    expect(again).toEqual({ ...first, spiffe_sequence: generation + regranted.position });
    expect(await poll(broker, other, shop.trustDomain)).toMatchObject({
      body: others.body,
      headers: { etag: others.headers.etag },
    });

    await patchDomain(shop, { refreshHintSeconds: 77 });
    expect((await poll(broker, bank, shop.trustDomain)).body).toBe((await poll(broker, other, shop.trustDomain)).body);
  });
});
