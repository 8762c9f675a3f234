import { afterAll, describe, expect, it } from "vitest";
import { bareMesh, upload } from "../api/api-fixture.ts";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { eventually } from "./federation-fixture.ts";

const broker = await runBroker();
afterAll(() => broker.remove());
const operator = broker.operatorToken;

it("S21: the new owner of a trust domain that was given back learns nothing of the former one's peers, nor of itself", async () => {
  const former = await registerMesh(broker, "former", { trustDomain: "reused.example" });
  const secret = await registerMesh(broker, "secret", { mesh: { listed: false } });
  const before = await federate(broker, secret, former, { reason: "the former agreement" });
  const path = `/p/${secret.pollerToken}/reused.example`;
  expect((await broker.pollSpiffe(path)).status).toBe(200);
  const holders = async (token: string) =>
    (await expectStatus(200, broker.api("GET", "/v1/trust-domains/reused.example/deliveries", { token }))).body
      .deliveries as { meshId: string }[];
  await eventually(
    () => holders(former.token),
    ({ length }) => length === 1,
  );
  await expectStatus(200, broker.api("DELETE", "/v1/meshes/former?withdraw=true", { token: former.token }));

  const mesh = { meshId: "latter", trustDomain: "reused.example" };
  await expectStatus(201, broker.api("POST", "/v1/meshes", { token: operator, body: mesh }));
  const made = { name: "admin", role: "mesh-admin", meshes: ["latter"] };
  const { token } = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token: operator, body: made }))).body;
  expect(await holders(token)).toEqual([]);
  expect((await broker.pollSpiffe(path)).status).toBe(200);
  await eventually(
    () => holders(operator),
    ({ length }) => length === 1,
  );
  expect(await holders(token)).toEqual([]);
  const revisions = "/v1/trust-domains/reused.example/revisions";
  const { body } = await expectStatus(200, broker.api("GET", revisions, { token }));
  expect(body.revisions.length).toBeGreaterThan(1);
  expect(JSON.stringify(body)).not.toContain("former");
  for (const { cause, links } of body.revisions) expect([cause, links]).toEqual([null, {}]);

  const { federations } = (await expectStatus(200, broker.api("GET", "/v1/federations", { token }))).body;
  expect(federations).toEqual([]);
  expect((await broker.api("GET", `/v1/federations/${before}`, { token })).status).toBe(404);
  const veto = { token, body: { meshId: "latter", decision: "deny", reason: "said by a stranger" } };
  expect((await broker.api("POST", `/v1/federations/${before}/consents`, veto)).status).toBe(404);

  await federate(broker, secret, { meshId: "latter", token }, { trust: [{ consumer: "secret", provider: "latter" }] });
  expect(await holders(token)).toMatchObject([{ meshId: "secret" }]);
  // One that is served it for the first time.
  const fresh = await registerMesh(broker, "fresh");
  await federate(broker, fresh, { meshId: "latter", token }, { trust: [{ consumer: "fresh", provider: "latter" }] });
  expect((await broker.pollSpiffe(`/p/${fresh.pollerToken}/reused.example`)).status).toBe(200);
  await eventually(
    () => holders(token),
    (found) => found.map(({ meshId }) => meshId).join() === "fresh,secret",
  );
});

describe("S21: whoever is left in a trust domain that its owner gives back", async () => {
  const trustDomain = "left.example";
  const owner = await bareMesh(broker, "old-owner", trustDomain, { listed: false });
  const peer = await registerMesh(broker, "left-peer");
  const invited = await expectStatus(
    201,
    broker.api("POST", "/v1/invitations", { token: operator, body: { trustDomain } }),
  );
  const member = await bareMeshBy(invited.body.token, "left-over", trustDomain);
  const decide = (token: string, decision: string, more = {}) => {
    const body = { meshId: "left-over", decision, ...more };
    return expectStatus(200, broker.api("POST", `/v1/trust-domains/${trustDomain}/memberships`, { token, body }));
  };
  await decide(owner.token, "grant");
  await upload(broker, member, testCa({ trustDomain }).certificatePem);
  // One that was vetoed and then ended by the member itself has nothing left to end.
  const other = await registerMesh(broker, "other-peer");
  const over = await federate(broker, member, other, { trust: [{ consumer: "other-peer", provider: "left-over" }] });
  const say = (token: string, meshId: string, decision: string) =>
    expectStatus(200, broker.api("POST", `/v1/federations/${over}/consents`, { token, body: { meshId, decision } }));
  await say(owner.token, "old-owner", "deny");
  await say(member.token, "left-over", "withdraw");
  const agreed = await federate(broker, member, peer, { trust: [{ consumer: "left-peer", provider: "left-over" }] });
  const transfers = `/v1/trust-domains/${trustDomain}/transfers`;
  const offer = { meshId: "left-over", reason: "the old owner's reason" };
  await expectStatus(201, broker.api("POST", transfers, { token: owner.token, body: offer }));
  await decide(owner.token, "expel", { reason: "the old owner's reason", force: true });
  await expectStatus(200, broker.api("DELETE", "/v1/meshes/old-owner", { token: owner.token }));
  const next = { meshId: "new-owner", trustDomain };
  await expectStatus(201, broker.api("POST", "/v1/meshes", { token: operator, body: next }));
  const admin = { name: "admin", role: "mesh-admin", meshes: ["new-owner"] };
  const { token } = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token: operator, body: admin }))).body;
  const read = async (path: string) => (await expectStatus(200, broker.api("GET", path, { token }))).text;

  it("asks the next owner, who learns nothing of what the last one decided or offered", async () => {
    const { memberships } = JSON.parse(await read(`/v1/trust-domains/${trustDomain}/memberships`));
    expect(memberships).toMatchObject([
      { meshId: "left-over", state: "pending", reason: null },
      { meshId: "new-owner", state: "granted" },
    ]);
    expect(JSON.parse(await read(transfers))).toMatchObject({ transfers: [] });
    expect(await read("/v1/audit-events")).not.toContain("the old owner's reason");
  });

  it("has agreed to nothing in the next owner's name: its peer is served none of that one's authorities", async () => {
    await upload(broker, { meshId: "new-owner", token, trustDomain }, testCa({ trustDomain }).certificatePem);
    await decide(token, "grant");
    const { state, lastWord } = (
      await expectStatus(200, broker.api("GET", `/v1/federations/${agreed}`, { token: peer.token }))
    ).body;
    expect([state, lastWord]).toMatchObject(["withdrawn", { said: "withdrawn", meshId: "left-over" }]);
    const { status, body } = await broker.pollWeb(`/p/${peer.pollerToken}/${trustDomain}`);
    expect([status, JSON.parse(body).keys]).toEqual([200, []]);
    expect((await broker.api("GET", `/v1/federations/${agreed}`, { token })).status).toBe(404);
    expect(JSON.parse(await read("/v1/federations"))).toMatchObject({ federations: [] });
  });

  it("agrees anew, and the next owner sees that", async () => {
    const anew = await federate(broker, member, peer, { trust: [{ consumer: "left-peer", provider: "left-over" }] });
    expect(JSON.parse(await read("/v1/federations"))).toMatchObject({ federations: [{ federationId: anew }] });
    expect((await broker.api("GET", `/v1/federations/${anew}`, { token })).status).toBe(200);
    expect(JSON.parse((await broker.pollWeb(`/p/${peer.pollerToken}/${trustDomain}`)).body).keys).toHaveLength(2);
  });
});

async function bareMeshBy(invitation: string, meshId: string, trustDomain: string) {
  const made = await expectStatus(
    201,
    broker.api("POST", "/v1/meshes", { token: invitation, body: { meshId, trustDomain, listed: false } }),
  );
  return { meshId, token: made.body.token as string, trustDomain };
}
