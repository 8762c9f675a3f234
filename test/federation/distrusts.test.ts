import { X509Certificate } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { idOf, recordedBy, refused, UNLIMITED, upload } from "../api/api-fixture.ts";
import {
  type ApiAnswer,
  expectStatus,
  federate,
  registerMesh,
  runBroker,
  type TestMesh,
} from "../support/running-broker.ts";
import { type TestCa, testCa } from "../support/test-ca.ts";
import { bundle, decide, eventually, poll, propose, readFederation, twoMeshes } from "./federation-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());

const fingerprintOf = (ca: TestCa): string => ca.authority().fingerprint;
const reason = "its key may have leaked";
const distrust = (
  mesh: TestMesh,
  trustDomain: string,
  fingerprint: string,
  more: object = {},
  query = "",
): Promise<ApiAnswer> =>
  broker.api("POST", `/v1/meshes/${mesh.meshId}/distrusts${query}`, {
    token: mesh.token,
    body: { trustDomain, fingerprint, reason, ...more },
  });
const lift = (mesh: TestMesh, distrustId: string): Promise<ApiAnswer> =>
  broker.api("DELETE", `/v1/meshes/${mesh.meshId}/distrusts/${distrustId}`, { token: mesh.token });

/** The certificates and the number that a mesh's poller is served. */
async function seen(mesh: Pick<TestMesh, "pollerToken">, trustDomain: string) {
  const { keys, spiffe_sequence: sequence } = await bundle(poll(broker, mesh, trustDomain));
  return { certificates: keys.map(({ x5c }) => (x5c as string[])[0] as string), sequence };
}
const isIn = (ca: TestCa, certificates: readonly string[]): boolean =>
  certificates.includes(new X509Certificate(ca.certificatePem).raw.toString("base64"));

/** A bank that two shops trust, and its second CA. */
async function bankWithTwoCas() {
  const { bank, shop } = await twoMeshes(broker);
  const other = await registerMesh(broker, `${shop.meshId}-other`);
  const second = testCa({ trustDomain: bank.trustDomain, kind: "p256" });
  await upload(broker, bank, second.certificatePem);
  const federationId = await federate(broker, bank, shop);
  await federate(broker, bank, other);
  return { bank, shop, other, second, federationId };
}

describe("a mesh that distrusts one authority of a peer", () => {
  it("is served the bundle without it at once, by all its pollers; nobody else's bytes and numbers change", async () => {
    const { bank, shop, other, second } = await bankWithTwoCas();
    const named = { token: shop.token, body: { name: "another" } };
    const made = broker.api("POST", `/v1/meshes/${shop.meshId}/pollers`, named);
    const another = { pollerToken: (await expectStatus(201, made)).body.token };
    const untouched = [await poll(broker, other, bank.trustDomain), await poll(broker, bank, bank.trustDomain)];
    const before = await seen(shop, bank.trustDomain);
    expect(isIn(second, before.certificates)).toBe(true);

    const { body, headers } = await expectStatus(201, distrust(shop, bank.trustDomain, fingerprintOf(second)));
    const { distrustId, createdAt, ...view } = body;
    expect(headers.location).toBe(`/v1/meshes/${shop.meshId}/distrusts/${distrustId}`);
    const described = {
      meshId: shop.meshId,
      trustDomain: bank.trustDomain,
      fingerprint: fingerprintOf(second),
      reason,
    };
    expect(view).toEqual({ ...described, createdBy: idOf(shop.token), liftedAt: null });
    for (const poller of [shop, another]) {
      const now = await seen(poller, bank.trustDomain);
      expect([isIn(second, now.certificates), isIn(bank.ca, now.certificates)]).toEqual([false, true]);
      expect(now.sequence).toBeGreaterThan(before.sequence);
    }
    const after = [await poll(broker, other, bank.trustDomain), await poll(broker, bank, bank.trustDomain)];
    expect(after.map(({ body: text }) => text)).toEqual(untouched.map(({ body: text }) => text));
    expect(after.map(({ headers }) => headers.etag)).toEqual(untouched.map(({ headers }) => headers.etag));
  });

  it("is served it again when that is lifted, under a higher number (R16)", async () => {
    const { bank, shop, second } = await bankWithTwoCas();
    const { body } = await expectStatus(201, distrust(shop, bank.trustDomain, fingerprintOf(second)));
    const without = await seen(shop, bank.trustDomain);
    const lifted = await expectStatus(200, lift(shop, body.distrustId));
    expect(lifted.body).toMatchObject({ distrustId: body.distrustId, liftedAt: expect.any(String) });
    const again = await seen(shop, bank.trustDomain);
    expect(isIn(second, again.certificates)).toBe(true);
    expect(again.sequence).toBeGreaterThan(without.sequence);
    await refused("already-ended", lift(shop, body.distrustId));
    const list = await broker.api("GET", `/v1/meshes/${shop.meshId}/distrusts`, { token: shop.token });
    expect(list.body.distrusts).toEqual([lifted.body]);
    await expectStatus(201, distrust(shop, bank.trustDomain, fingerprintOf(second)));
  });

  it("goes on without it through later revisions, and through the end of the federation and another one", async () => {
    const { bank, shop, second, federationId } = await bankWithTwoCas();
    await expectStatus(201, distrust(shop, bank.trustDomain, fingerprintOf(second)));
    const third = testCa({ trustDomain: bank.trustDomain, kind: "p256" });
    await upload(broker, bank, third.certificatePem);
    const revised = await seen(shop, bank.trustDomain);
    expect([bank.ca, second, third].map((ca) => isIn(ca, revised.certificates))).toEqual([true, false, true]);
    await expectStatus(200, decide(broker, bank, federationId, "withdraw"));
    expect((await seen(shop, bank.trustDomain)).certificates).toEqual([]);
    await federate(broker, bank, shop);
    const anew = await seen(shop, bank.trustDomain);
    expect([bank.ca, second, third].map((ca) => isIn(ca, anew.certificates))).toEqual([true, false, true]);
    expect(anew.sequence).toBeGreaterThan(revised.sequence);
  });

  it("is left without any key only by force; the empty bundle is still the revision that it holds (decision 13)", async () => {
    const { bank, shop, second } = await bankWithTwoCas();
    await expectStatus(201, distrust(shop, bank.trustDomain, fingerprintOf(second)));
    const last = fingerprintOf(bank.ca);
    const answer = await refused("would-empty-bundle", distrust(shop, bank.trustDomain, last));
    expect(answer.body.pointer).toBe("/fingerprint");
    await expectStatus(201, distrust(shop, bank.trustDomain, last, { force: true }));
    const empty = await seen(shop, bank.trustDomain);
    expect(empty.certificates).toEqual([]);
    const held = async () => {
      const { body } = await broker.api("GET", `/v1/meshes/${shop.meshId}/deliveries`, { token: shop.token });
      return body.deliveries.find(({ trustDomain }: ApiAnswer["body"]) => trustDomain === bank.trustDomain);
    };
    const delivery = await eventually(held, (found) => found?.sequence === empty.sequence);
    const newest = await broker.api("GET", `/v1/trust-domains/${bank.trustDomain}/revisions?limit=1`, bank);
    expect(delivery).toMatchObject({ revision: newest.body.revisions[0].position, current: true });
  });

  it("can ask first what that would do", async () => {
    const { bank, shop, second } = await bankWithTwoCas();
    const before = await seen(shop, bank.trustDomain);
    const dry = await expectStatus(200, distrust(shop, bank.trustDomain, fingerprintOf(second), {}, "?dryRun=true"));
    const change = { meshId: shop.meshId, trustDomain: bank.trustDomain, change: "distrust-changed" };
    expect(dry.body).toMatchObject({ dryRun: true, revisions: [], access: [change] });
    expect(await seen(shop, bank.trustDomain)).toEqual(before);
  });

  it("names a bundle that it is served and an authority in it, and distrusts it once", async () => {
    const { bank, shop, second } = await bankWithTwoCas();
    const stranger = await registerMesh(broker, `${shop.meshId}-stranger`);
    const unserved = distrust(stranger, bank.trustDomain, fingerprintOf(second));
    expect((await refused("not-found", unserved)).body.pointer).toBe("/trustDomain");
    const unknown = await refused("not-found", distrust(shop, bank.trustDomain, "0".repeat(64)));
    expect(unknown.body.pointer).toBe("/fingerprint");
    await refused("not-found", distrust(shop, bank.trustDomain, fingerprintOf(shop.ca)));
    await expectStatus(201, distrust(shop, bank.trustDomain, fingerprintOf(second)));
    await refused("already-distrusted", distrust(shop, bank.trustDomain, fingerprintOf(second)));
  });

  it("tells nobody but its own people: the peer sees no event of it, and no trace in the federation (S21)", async () => {
    const { bank, shop, second, federationId } = await bankWithTwoCas();
    const before = await readFederation(broker, bank, federationId);
    let distrustId = "";
    const recorded = await recordedBy(broker, async () => {
      distrustId = (await expectStatus(201, distrust(shop, bank.trustDomain, fingerprintOf(second)))).body.distrustId;
    });
    expect(recorded.map(({ type, detail }) => [type, detail.reason ?? detail.cause])).toEqual([
      ["distrust.created", reason],
      ["bundle-access.distrust-changed", "distrust.created"],
    ]);
    const theirs = await broker.api("GET", "/v1/audit-events?limit=1000", { token: bank.token });
    for (const { position } of recorded)
      expect(theirs.body.events).not.toContainEqual(expect.objectContaining({ position }));
    expect(theirs.text).not.toContain(distrustId);
    expect((await readFederation(broker, bank, federationId)).text).toBe(before.text);
  });

  it("has nothing to distrust where it is not served; and the peer's own view of its bundle stays whole", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const second = testCa({ trustDomain: shop.trustDomain, kind: "p256" });
    await upload(broker, shop, second.certificatePem);
    const trust = [{ consumer: bank.meshId, provider: shop.meshId }];
    const { body } = await expectStatus(201, propose(broker, shop.token, shop.meshId, bank.meshId, { trust }));
    await expectStatus(200, decide(broker, bank, body.federationId, "grant"));
    await refused("not-found", distrust(shop, bank.trustDomain, fingerprintOf(bank.ca)));
    await expectStatus(201, distrust(bank, shop.trustDomain, fingerprintOf(second)));
    expect(isIn(second, (await seen(bank, shop.trustDomain)).certificates)).toBe(false);
    expect(isIn(second, (await seen(shop, shop.trustDomain)).certificates)).toBe(true);
  });

  it("finds it as it was after a restart", async () => {
    const first = await runBroker(UNLIMITED);
    const bank = await registerMesh(first, "bank");
    const shop = await registerMesh(first, "shop");
    const second = testCa({ trustDomain: bank.trustDomain, kind: "p256" });
    await upload(first, bank, second.certificatePem);
    await federate(first, bank, shop);
    const body = { trustDomain: bank.trustDomain, fingerprint: fingerprintOf(second), reason };
    await expectStatus(201, first.api("POST", "/v1/meshes/shop/distrusts", { token: shop.token, body }));
    const before = await bundle(poll(first, shop, bank.trustDomain));
    const again = await first.restart();
    expect(await bundle(poll(again, shop, bank.trustDomain))).toEqual(before);
    await again.remove();
  });
});

describe("while a suspension alone keeps a bundle from its consumer", () => {
  const suspension = (method: string, { meshId }: TestMesh): Promise<ApiAnswer> =>
    broker.api(method, `/v1/meshes/${meshId}/suspension`, {
      token: broker.operatorToken,
      ...(method === "POST" ? { body: { reason: "its key is for sale" } } : {}),
    });

  it("either side distrusts a published authority of the other, and is not served it when the suspension ends", async () => {
    const { bank, shop, second } = await bankWithTwoCas();
    const shops = testCa({ trustDomain: shop.trustDomain, kind: "p256" });
    await upload(broker, shop, shops.certificatePem);
    expect(isIn(second, (await seen(shop, bank.trustDomain)).certificates)).toBe(true);
    await expectStatus(201, suspension("POST", bank));
    const stolen = distrust(shop, bank.trustDomain, fingerprintOf(second));
    const { distrustId } = (await expectStatus(201, stolen)).body;
    await expectStatus(201, distrust(bank, shop.trustDomain, fingerprintOf(shops)));
    await refused("would-empty-bundle", distrust(shop, bank.trustDomain, fingerprintOf(bank.ca)));
    await refused("not-found", distrust(shop, bank.trustDomain, "0".repeat(64)));
    expect((await seen(shop, bank.trustDomain)).certificates).toEqual([]);

    await expectStatus(200, suspension("DELETE", bank));
    const now = await seen(shop, bank.trustDomain);
    expect([isIn(second, now.certificates), isIn(bank.ca, now.certificates)]).toEqual([false, true]);
    const other = await seen(bank, shop.trustDomain);
    expect([isIn(shops, other.certificates), isIn(shop.ca, other.certificates)]).toEqual([false, true]);
    await expectStatus(200, lift(shop, distrustId));
    expect(isIn(second, (await seen(shop, bank.trustDomain)).certificates)).toBe(true);
  });

  it("S21: nobody whose federation ended, or who never had one, learns so what is published", async () => {
    const { bank, shop, other, second, federationId } = await bankWithTwoCas();
    const stranger = await registerMesh(broker, `${shop.meshId}-stranger`);
    await expectStatus(201, suspension("POST", bank));
    await expectStatus(200, decide(broker, shop, federationId, "withdraw"));
    for (const mesh of [shop, stranger]) {
      const { body } = await distrust(mesh, bank.trustDomain, fingerprintOf(second));
      expect(body).toMatchObject({ code: "not-found", pointer: "/trustDomain" });
    }
    await expectStatus(201, distrust(other, bank.trustDomain, fingerprintOf(second)));
  });
});
