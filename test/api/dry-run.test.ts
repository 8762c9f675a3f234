import { afterAll, describe, expect, it } from "vitest";
import { decide, propose } from "../federation/federation-fixture.ts";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { events, invite, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const shop = await registerMesh(broker, "shop");
const bank = await registerMesh(broker, "bank");
const federationId = await federate(broker, bank, shop);
const dry = (path: string, token: string, body?: unknown, method = "POST") =>
  expectStatus(200, broker.api(method, `${path}?dryRun=true`, { token, ...(body === undefined ? {} : { body }) }));

/** What there is before and after must be the same. */
async function changingNothing<T>(act: () => Promise<T>): Promise<T> {
  const state = async () => {
    const token = broker.operatorToken;
    const paths = [
      "/v1/meshes",
      "/v1/federations",
      "/v1/trust-domains",
      "/v1/meshes/shop/authorities",
      "/v1/invitations",
    ];
    const read = await Promise.all(paths.map(async (path) => (await broker.api("GET", path, { token })).text));
    const [{ position }] = await events(broker, "limit=1");
    return [position, ...read];
  };
  const before = await state();
  const answer = await act();
  expect(await state()).toEqual(before);
  return answer;
}

it("what is refused of a dry run was no attempt: it is no event, and an invitation outlives any number", async () => {
  const { token } = (await invite(broker, { trustDomain: "tried.example" })).body;
  const before = (await events(broker, "limit=1"))[0].position;
  const body = { meshId: "shop", trustDomain: "tried.example" };
  for (let time = 0; time < 12; time++)
    await refused("mesh-id-taken", broker.api("POST", "/v1/meshes?dryRun=true", { token, body }));
  expect((await events(broker, "limit=1"))[0].position).toBe(before);
  await expectStatus(201, broker.api("POST", "/v1/meshes", { token, body: { ...body, meshId: "tried" } }));
});

it("nor is one that is refused before it is looked at: what the credential may not do", async () => {
  const body = { name: "reads", role: "mesh-viewer", meshes: ["shop"] };
  const { token } = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token: shop.token, body }))).body;
  const before = (await events(broker, "limit=1"))[0].position;
  const poller = (query: string) =>
    broker.api("POST", `/v1/meshes/shop/pollers${query}`, { token, body: { name: "x" } });
  await refused("forbidden", poller("?dryRun=true"));
  expect((await events(broker, "limit=1"))[0].position).toBe(before);
  await refused("forbidden", poller(""));
  expect((await events(broker, "limit=1"))[0].position).toBe(before + 1);
});

describe("?dryRun=true answers what would happen and changes nothing", () => {
  it("an upload: the authorities, the difference of the revision, who would see it", async () => {
    const pem = testCa({ trustDomain: "shop.example" }).certificatePem;
    const { body } = await changingNothing(() => dry("/v1/meshes/shop/authorities", shop.token, { pem }));
    const [authority] = body.answer.authorities;
    expect(authority).toMatchObject({ state: "prepared", trustDomain: "shop.example" });
    expect(body).toMatchObject({
      dryRun: true,
      revisions: [
        { trustDomain: "shop.example", added: [authority.fingerprint], removed: [], consumers: ["bank", "shop"] },
      ],
      access: [],
    });
    await expectStatus(201, broker.api("POST", "/v1/meshes/shop/authorities", { token: shop.token, body: { pem } }));
  });

  it("a refresh hint: the revision that would have it, though no authority comes or goes", async () => {
    const change = { refreshHintSeconds: 77 };
    const { body } = await changingNothing(() => dry("/v1/trust-domains/shop.example", shop.token, change, "PATCH"));
    expect(body.revisions).toEqual([
      { trustDomain: "shop.example", ...change, added: [], removed: [], consumers: ["bank", "shop"] },
    ]);
  });

  it("a consent: who would gain or lose which bundle", async () => {
    const path = `/v1/federations/${federationId}/consents`;
    const { body } = await changingNothing(() => dry(path, shop.token, { meshId: "shop", decision: "withdraw" }));
    expect(body.answer.state).toBe("withdrawn");
    expect(body.access).toEqual(
      expect.arrayContaining([
        { meshId: "bank", trustDomain: "shop.example", change: "withdrawn" },
        { meshId: "shop", trustDomain: "bank.example", change: "withdrawn" },
      ]),
    );
  });

  it("no secret that would never hold is shown", async () => {
    const { body } = await changingNothing(() => dry("/v1/meshes/shop/pollers", shop.token, { name: "dry" }));
    expect(body.answer.token).toBeUndefined();
    expect(JSON.stringify(body), "nor a URL with it").not.toContain("/p/");
    const invitation = (await invite(broker, { trustDomain: "dry.example" })).body.token;
    const registration = { meshId: "dry", trustDomain: "dry.example" };
    const registered = await changingNothing(() => dry("/v1/meshes", invitation, registration));
    expect(registered.body.answer).toMatchObject({ meshId: "dry" });
    expect(registered.body.answer.token).toBeUndefined();
    await expectStatus(201, broker.api("POST", "/v1/meshes", { token: invitation, body: registration }));
  });

  it("what would be refused is refused", async () => {
    const call = { token: shop.token, body: { meshId: "shop", decision: "grant", termsDigest: "0".repeat(64) } };
    await refused("terms-changed", broker.api("POST", `/v1/federations/${federationId}/consents?dryRun=true`, call));
    await refused(
      "precondition-failed",
      broker.api("PATCH", "/v1/meshes/shop?dryRun=true", {
        token: shop.token,
        body: {},
        headers: { "if-match": '"x"' },
      }),
    );
  });

  it("S21: a member learns of no consumer but its own peers", async () => {
    const third = await registerMesh(broker, "third");
    const made = await propose(broker, third.token, "third", "shop");
    await decide(broker, shop, made.body.federationId, "grant");
    const invitation = (await invite(broker, { trustDomain: "shop.example" })).body.token;
    const member = await expectStatus(
      201,
      broker.api("POST", "/v1/meshes", { token: invitation, body: { meshId: "shop-2", trustDomain: "shop.example" } }),
    );
    await expectStatus(
      200,
      broker.api("POST", "/v1/trust-domains/shop.example/memberships", {
        token: shop.token,
        body: { meshId: "shop-2", decision: "grant" },
      }),
    );
    const pem = testCa({ trustDomain: "shop.example" }).certificatePem;
    const { body } = await dry("/v1/meshes/shop-2/authorities", member.body.token, { pem });
    expect(body.revisions[0].consumers).toEqual(["shop-2"]);
  });

  it("a deletion says whose access it would end", async () => {
    await refused("mesh-has-federations", broker.api("DELETE", "/v1/meshes/bank?dryRun=true", { token: bank.token }));
    const gone = await changingNothing(() =>
      expectStatus(200, broker.api("DELETE", "/v1/meshes/bank?dryRun=true&withdraw=true", { token: bank.token })),
    );
    expect(gone.body.access.length).toBeGreaterThan(0);
  });
});
