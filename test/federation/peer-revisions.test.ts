import { afterAll, beforeAll, expect, it } from "vitest";
import { expectStatus, federate, runBroker, type TestBroker } from "../support/running-broker.ts";
import { decide, joinMesh, twoMeshes } from "./federation-fixture.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await runBroker();
});
afterAll(() => broker.remove());

it("a peer reads revisions and their bundles, without who and why, for as long as it is served (S21)", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const path = `/v1/trust-domains/${shop.trustDomain}/revisions`;
  const asBank = (at: string) => broker.api("GET", at, { token: bank.token });
  expect((await asBank(path)).status).toBe(404);
  const federationId = await federate(broker, bank, shop);
  const { body } = await expectStatus(200, asBank(path));
  const [newest] = body.revisions;
  expect(newest).toMatchObject({ cause: null, actor: null, reason: null, meshId: null });
  const whole = await expectStatus(200, asBank(`${path}/${newest.sequence}`));
  expect(whole.body.bundle.keys).toHaveLength(1);
  const own = await expectStatus(200, broker.api("GET", path, { token: shop.token }));
  expect(own.body.revisions[0]).toMatchObject({ cause: "authority.contributed", meshId: shop.meshId });
  await decide(broker, shop, federationId, "withdraw");
  expect((await asBank(path)).status).toBe(404);
});

it("a revision leads to its event where the reader sees that, and else has no such link (S21)", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop);
  await federate(broker, bank, shop);
  const path = `/v1/trust-domains/${shop.trustDomain}/revisions`;
  const linksOf = async (token: string, sequence = "") => {
    const { body } = await expectStatus(200, broker.api("GET", path + sequence, { token }));
    return (body.revisions ?? [body]).map(({ links }: { links: { event?: string } }) => links);
  };
  const links = await linksOf(shop.token);
  expect(links).toHaveLength(1);
  const { body: event } = await expectStatus(200, broker.api("GET", links[0].event, { token: shop.token }));
  expect(event.type).toBe("bundle.revised");
  expect(await linksOf(broker.operatorToken)).toEqual(links);
  const { body } = await broker.api("GET", path, { token: shop.token });
  const [{ sequence }] = body.revisions;
  for (const { token } of [bank, annex]) {
    expect((await broker.api("GET", links[0].event, { token })).status).toBe(404);
    for (const at of ["", `/${sequence}`]) expect(await linksOf(token, at)).toEqual([{}]);
  }
});

it("an expiry that no calendar has is refused, not taken for none (RFC 3339 leap second)", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const body = { proposer: bank.meshId, peer: shop.meshId, expiresAt: "2030-12-31T23:59:60Z" };
  const answer = await broker.api("POST", "/v1/federations", { token: bank.token, body });
  expect(answer).toMatchObject({ status: 400, body: { code: "invalid-request", pointer: "/expiresAt" } });
});

it("an audit filter finds nothing by what the answer hides (S21)", async () => {
  const { bank, shop } = await twoMeshes(broker);
  await federate(broker, bank, shop);
  const asShop = async (query: string) =>
    (await expectStatus(200, broker.api("GET", `/v1/audit-events?${query}`, { token: shop.token }))).body.events;
  const [granted] = await asShop(`type=federation.proposed&meshId=${bank.meshId}`);
  expect(granted).toMatchObject({ meshId: bank.meshId, actor: null });
  const actor = bank.token.split("_").slice(0, 3).join("_").replace("ent_", "");
  expect(await asShop(`actor=${actor}`)).toEqual([]);
  const { body } = await broker.api("GET", `/v1/audit-events?actor=${actor}`, { token: bank.token });
  expect(body.events.length).toBeGreaterThan(0);
});
