import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { idOf, UNLIMITED, upload } from "../api/api-fixture.ts";
import { type ApiAnswer, expectStatus, registerMesh, runBroker, type TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { decide, joinMesh, propose, readFederation, served } from "./federation-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());

const OWNER = "secretowner";
const events = (token: string, query = ""): Promise<ApiAnswer> =>
  expectStatus(200, broker.api("GET", `/v1/audit-events?limit=200${query}`, { token }));
const typesOf = ({ body }: ApiAnswer): string[] => body.events.map(({ type }: { type: string }) => type);

describe("S21: who owns a trust domain and is not listed is not named", () => {
  let owner: TestMesh;
  let member: Awaited<ReturnType<typeof joinMesh>>;
  let peer: TestMesh;
  let federationId: string;
  beforeAll(async () => {
    owner = await registerMesh(broker, OWNER, { trustDomain: "estate.example" });
    const body = { listed: false };
    await expectStatus(200, broker.api("PATCH", `/v1/meshes/${OWNER}`, { token: owner.token, body }));
    member = await joinMesh(broker, "member", owner);
    peer = await registerMesh(broker, "peer");
    federationId = (await expectStatus(201, propose(broker, peer.token, "peer", "member"))).body.federationId;
  });

  /** All that the peer can read of it. */
  const readByPeer = async (): Promise<string> =>
    (await events(peer.token)).text + (await readFederation(broker, peer, federationId)).text;

  it("to a stranger that proposes to its member; it sees that all the same", async () => {
    expect(await readByPeer()).not.toContain(OWNER);
    const [proposed] = (await events(peer.token, "&type=federation.proposed")).body.events;
    expect(proposed.subjects).toEqual([
      `federation/${federationId}`,
      "mesh/member",
      "mesh/peer",
      "trust-domain/estate.example",
      "trust-domain/peer.example",
    ]);
    const seen = await events(owner.token, `&type=federation.proposed&federationId=${federationId}`);
    expect(seen.body.events).toMatchObject([{ meshId: "peer", position: proposed.position }]);
    await expectStatus(200, broker.api("GET", `/v1/audit-events/${proposed.position}`, { token: owner.token }));
  });

  it("by a filter either, which finds for itself and for operators what it is to see", async () => {
    const filter = `&meshId=${OWNER}&federationId=${federationId}`;
    expect(typesOf(await events(peer.token, `&meshId=${OWNER}`))).toEqual([]);
    expect(typesOf(await events(peer.token, filter))).toEqual([]);
    expect(typesOf(await events(peer.token, "&meshId=member"))).toContain("federation.proposed");
    for (const token of [owner.token, broker.operatorToken])
      expect(typesOf(await events(token, filter))).toContain("federation.proposed");
    expect(typesOf(await events(owner.token, `&meshId=${OWNER}`))).toContain("bundle.revised");
  });

  it("as it vetoes and allows again: the trust domain says whose word it is", async () => {
    await expectStatus(200, decide(broker, member, federationId, "grant"));
    expect(await served(broker, peer, "estate.example")).toBe("bundle");
    await expectStatus(200, decide(broker, owner, federationId, "deny", { reason: "not in my house" }));
    expect(await served(broker, peer, "estate.example")).toBe("tombstone");
    expect(await readByPeer()).not.toContain(OWNER);
    const vetoOf = async (side: Pick<TestMesh, "meshId" | "token">) =>
      (await readFederation(broker, side, federationId)).body.vetoes[0];
    expect(await vetoOf(peer)).toMatchObject({ trustDomain: "estate.example", owner: null });
    for (const side of [owner, member]) expect(await vetoOf(side)).toMatchObject({ owner: OWNER });
    expect(typesOf(await events(peer.token))).toEqual(
      expect.arrayContaining(["federation.vetoed", "bundle-access.withdrawn"]),
    );
    await expectStatus(200, decide(broker, owner, federationId, "grant"));
    expect(await readByPeer()).not.toContain(OWNER);
  });

  it("to the peer of a member that it expels", async () => {
    const expelled = await joinMesh(broker, "expelled", owner);
    const made = await expectStatus(201, propose(broker, peer.token, "peer", "expelled"));
    await expectStatus(200, decide(broker, expelled, made.body.federationId, "grant"));
    const path = "/v1/trust-domains/estate.example/memberships";
    const body = { meshId: "expelled", decision: "expel" };
    await expectStatus(200, broker.api("POST", path, { token: owner.token, body }));
    const read = await readFederation(broker, peer, made.body.federationId);
    expect((await events(peer.token)).text + read.text).not.toContain(OWNER);
    expect((await events(expelled.token, "&type=membership.expelled")).body.events).toMatchObject([{ meshId: OWNER }]);
  });

  it("to a mesh that asked to be a member, before and after it is denied, and after it has left", async () => {
    const asks = await joinMesh(broker, "asks", owner, { granted: false });
    expect((await broker.api("GET", "/v1/trust-domains/estate.example", { token: asks.token })).status).toBe(404);
    const path = "/v1/trust-domains/estate.example/memberships";
    const body = { meshId: "asks", decision: "deny" };
    await expectStatus(200, broker.api("POST", path, { token: owner.token, body }));
    const told = await events(asks.token);
    expect(typesOf(told)).toEqual(expect.arrayContaining(["membership.requested", "membership.denied"]));
    expect(told.text).not.toContain(OWNER);
    expect(typesOf(await events(asks.token, `&meshId=${OWNER}`))).toEqual([]);
    for (const type of ["membership.requested", "membership.denied"])
      expect(typesOf(await events(owner.token, `&meshId=asks&type=${type}`))).toEqual([type]);

    await expectStatus(200, broker.api("DELETE", "/v1/meshes/asks", { token: asks.token }));
    expect(typesOf(await events(owner.token, "&meshId=asks"))).toContain("membership.ended");
    const ended = await events(broker.operatorToken, "&meshId=asks&type=membership.ended");
    expect(ended.body.events[0].subjects).toEqual(["mesh/asks", "trust-domain/estate.example"]);
  });
});

it("S21: of a member that an operator deletes, the owner and a peer read what ended, and nothing of the operator", async () => {
  const owner = await registerMesh(broker, "keeper");
  const member = await joinMesh(broker, "lodger", owner);
  const peer = await registerMesh(broker, "friend");
  const pem = testCa({ trustDomain: owner.trustDomain, kind: "p256" }).certificatePem;
  await upload(broker, { ...owner, ...member }, pem);
  const { federationId } = (await expectStatus(201, propose(broker, peer.token, "friend", "lodger"))).body;
  await expectStatus(200, decide(broker, member, federationId, "grant"));
  const token = broker.operatorToken;
  await expectStatus(200, broker.api("DELETE", "/v1/meshes/lodger?withdraw=true", { token }));

  const [ended] = (await events(owner.token, "&type=membership.ended")).body.events;
  expect(ended).toMatchObject({ actor: null, requestId: null, detail: null, outcome: "done" });
  expect(ended.subjects).toEqual(["mesh/lodger", "trust-domain/keeper.example"]);
  expect(typesOf(await events(peer.token))).toEqual(
    expect.arrayContaining(["federation.withdrawn", "bundle-access.withdrawn"]),
  );
  const revisions = `/v1/trust-domains/keeper.example/revisions`;
  const revised = await expectStatus(200, broker.api("GET", revisions, { token: owner.token }));
  expect(revised.body.revisions[0]).toMatchObject({ cause: "mesh.deleted", meshId: null, actor: null });
  for (const side of [owner, peer]) {
    expect((await events(side.token)).text + revised.text).not.toContain(idOf(token));
    expect(typesOf(await events(side.token, `&actor=${idOf(token)}`))).toEqual([]);
  }
  const all = await events(token, `&type=bundle.revised&trustDomain=keeper.example&actor=${idOf(token)}`);
  expect(all.body.events[0].detail).toMatchObject({ cause: "mesh.deleted", meshId: "lodger" });
});
