import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { eventually } from "./federation-fixture.ts";

const broker = await runBroker();
afterAll(() => broker.remove());

const trustDomain = "shared.example";
const owner = await registerMesh(broker, "owner", { trustDomain });
const stranger = await registerMesh(broker, "stranger");
const invited = { token: broker.operatorToken, body: { trustDomain } };
const { token: invitation } = (await expectStatus(201, broker.api("POST", "/v1/invitations", invited))).body;
const registration = { token: invitation, body: { meshId: "member", trustDomain } };
const { token } = (await expectStatus(201, broker.api("POST", "/v1/meshes", registration))).body;
const granted = { token: owner.token, body: { meshId: "member", decision: "grant" } };
await expectStatus(200, broker.api("POST", `/v1/trust-domains/${trustDomain}/memberships`, granted));

const holders = async (reader: string) =>
  (
    await expectStatus(200, broker.api("GET", `/v1/trust-domains/${trustDomain}/deliveries`, { token: reader }))
  ).body.deliveries.map(({ meshId }: { meshId: string }) => meshId);
const propose = async () =>
  (
    await expectStatus(
      201,
      broker.api("POST", "/v1/federations", { token, body: { proposer: "member", peer: "stranger" } }),
    )
  ).body;
const decide = (federationId: string, reader: string, meshId: string, decision: string) =>
  expectStatus(
    200,
    broker.api("POST", `/v1/federations/${federationId}/consents`, { token: reader, body: { meshId, decision } }),
  );

beforeAll(async () => {
  await federate(broker, stranger, owner, { trust: [{ consumer: "stranger", provider: "owner" }] });
  await broker.pollSpiffe(`/p/${stranger.pollerToken}/${trustDomain}`);
  await eventually(
    () => holders(owner.token),
    (found) => found.length === 1,
  );
});

describe("S21: whoever is only proposed to is no peer", () => {
  it("so that a proposal does not show with whom it federates, nor whether it is suspended", async () => {
    expect(await holders(token)).toEqual([]);
    const suspension = { token: broker.operatorToken, body: { reason: "under inquiry" } };
    await expectStatus(201, broker.api("POST", "/v1/meshes/stranger/suspension", suspension));
    const { federationId, conditions } = await propose();
    await expectStatus(200, broker.api("DELETE", "/v1/meshes/stranger/suspension", { token: broker.operatorToken }));
    const after = (await expectStatus(200, broker.api("GET", `/v1/federations/${federationId}`, { token }))).body;
    for (const { type } of [...conditions, ...after.conditions]) expect(type).not.toBe("Unsuspended");
    expect(await holders(token)).toEqual([]);
    await decide(federationId, token, "member", "withdraw");
    expect(await holders(token)).toEqual([]);
    const denied = await propose();
    await decide(denied.federationId, stranger.token, "stranger", "deny");
    expect(await holders(token)).toEqual([]);
  });

  it("and is one as soon as it has consented", async () => {
    const { federationId } = await propose();
    await decide(federationId, stranger.token, "stranger", "grant");
    expect(await holders(token)).toEqual(["stranger"]);
  });
});
