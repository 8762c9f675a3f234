import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, registerMesh, runBroker, type TestMesh } from "../support/running-broker.ts";
import { bareMesh, events, idOf, recordedBy, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker({ ...UNLIMITED, ENTENTE_BREAK_GLASS: "true" });
const closed = await runBroker(UNLIMITED);
afterAll(async () => {
  await broker.remove();
  await closed.remove();
});
const WHY = "its admin lost the laptop";

const consent = (token: string, federationId: string, meshId: string, decision = "grant", on = broker) =>
  on.api("POST", "/v1/break-glass/consents", { token, body: { federationId, meshId, decision, reason: WHY } });
const makeToken = (token: string, meshId: string, more: object = {}, on = broker) =>
  on.api("POST", "/v1/break-glass/tokens", { token, body: { meshId, name: "rescue", reason: WHY, ...more } });
const proposed = async (a: TestMesh, b: TestMesh): Promise<string> => {
  const body = { proposer: a.meshId, peer: b.meshId };
  return (await expectStatus(201, broker.api("POST", "/v1/federations", { token: a.token, body }))).body.federationId;
};

describe("S23: break-glass", () => {
  it("is off by default, and then refuses whatever is asked, as an event", async () => {
    const { meshId } = await bareMesh(closed, "shop");
    const act = async () => {
      await refused("break-glass-off", makeToken(closed.operatorToken, meshId, {}, closed));
      await refused("break-glass-off", consent(closed.operatorToken, "fed_x", meshId, "grant", closed));
    };
    const told = await recordedBy(closed, act);
    expect(told.map(({ detail }) => detail.code)).toEqual(["break-glass-off", "break-glass-off"]);
  });

  it("an operator consents in a mesh's place: the mesh's people read who and why, the peer that it was not the mesh", async () => {
    const [a, b] = [await registerMesh(broker, "asks"), await registerMesh(broker, "silent")];
    const id = await proposed(a, b);
    await refused("forbidden", consent(a.token, id, b.meshId));
    const { body } = await expectStatus(200, consent(broker.operatorToken, id, b.meshId));
    expect(body.state).toBe("active");
    expect((await broker.pollSpiffe(`/p/${a.pollerToken}/${b.trustDomain}`)).status).toBe(200);
    const read = async (token: string) =>
      (await expectStatus(200, broker.api("GET", "/v1/audit-events?type=break-glass.consented", { token }))).body
        .events;
    expect(await read(b.token)).toMatchObject([
      {
        meshId: null,
        actor: { kind: "token", id: idOf(broker.operatorToken) },
        detail: { decision: "grant", reason: WHY },
      },
    ]);
    expect(await read(a.token)).toEqual([]);
    const seen = await broker.api("GET", `/v1/federations/${id}`, { token: a.token });
    expect(seen.text).not.toContain(WHY);
    expect(seen.body.consents.find(({ meshId }: TestMesh) => meshId === b.meshId).reason).toContain("break-glass");
    const about = async (token: string, query: string) =>
      (await expectStatus(200, broker.api("GET", `/v1/audit-events?limit=50&${query}`, { token }))).body.events;
    const operator = idOf(broker.operatorToken);
    expect(await about(a.token, `federationId=${id}&type=federation.granted`)).toMatchObject([
      { meshId: null, outcome: "done", actor: null, source: null, requestId: null, detail: null },
    ]);
    expect(await about(a.token, "type=bundle-access.granted&trustDomain=silent.example")).toMatchObject([
      { meshId: null, outcome: "done", actor: null, source: null, requestId: null, detail: null },
    ]);
    const byOperator = (found: { type: string }[]) =>
      found.map(({ type }) => type).filter((type) => /^(federation|bundle-access)\./.test(type));
    expect(byOperator(await about(a.token, `actor=${operator}`))).toEqual([]);
    expect(byOperator(await about(b.token, `actor=${operator}`))).toEqual(
      expect.arrayContaining(["bundle-access.granted", "federation.terms-agreed", "federation.granted"]),
    );
    const [granted] = await events(broker, `type=federation.granted&federationId=${id}`);
    expect(granted).toMatchObject({ meshId: null, actor: { id: idOf(broker.operatorToken) } });
  });

  it("withdraws too; a decision that does not fit is refused, and nothing is told of it but the refusal", async () => {
    const [a, b] = [await registerMesh(broker, "leaver"), await registerMesh(broker, "left")];
    const id = await proposed(a, b);
    const told = await recordedBy(broker, () =>
      refused("federation-decision", consent(broker.operatorToken, id, "leaver", "deny")),
    );
    expect(told.map(({ type }) => type)).toEqual(["request.refused"]);
    expect((await expectStatus(200, consent(broker.operatorToken, id, "leaver", "withdraw"))).body.state).toBe(
      "withdrawn",
    );
    await refused("not-found", consent(broker.operatorToken, id, "absent"));
    await refused("not-found", consent(broker.operatorToken, "fed_absent", "leaver"));
  });

  it("makes an admin token of a mesh that has one; short-lived, shown once, told to the mesh", async () => {
    const mesh = await bareMesh(broker, "locked-out");
    const ask = { name: "x", role: "mesh-admin", meshes: [mesh.meshId] };
    await refused("admin-token-exists", broker.api("POST", "/v1/tokens", { token: broker.operatorToken, body: ask }));
    await refused("forbidden", makeToken(mesh.token, mesh.meshId));
    await refused("invalid-request", makeToken(broker.operatorToken, mesh.meshId, { expiresInSeconds: 86_401 }));
    await refused("not-found", makeToken(broker.operatorToken, "absent"));
    const { body } = await expectStatus(201, makeToken(broker.operatorToken, mesh.meshId));
    expect(body).toMatchObject({ name: "rescue", role: "mesh-admin", meshes: [mesh.meshId] });
    expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBe(3_600_000);
    const path = `/v1/meshes/${mesh.meshId}`;
    await expectStatus(200, broker.api("PATCH", path, { token: body.token, body: { displayName: "Rescued" } }));
    const query = "/v1/audit-events?type=break-glass.token-created";
    expect((await broker.api("GET", query, { token: mesh.token })).body.events).toMatchObject([
      { actor: { id: idOf(broker.operatorToken) }, detail: { name: "rescue", reason: WHY } },
    ]);
  });

  it("S20: names the terms too, where more than one can be meant", async () => {
    const [a, b] = [await registerMesh(broker, "alters"), await registerMesh(broker, "unaware")];
    const id = await proposed(a, b);
    const body = { meshId: a.meshId, trust: [{ consumer: a.meshId, provider: b.meshId }] };
    await expectStatus(200, broker.api("POST", `/v1/federations/${id}/terms`, { token: a.token, body }));
    const bare = await refused("terms-changed", consent(broker.operatorToken, id, b.meshId));
    const [termsDigest] = bare.body.termsDigests;
    const named = { federationId: id, meshId: b.meshId, decision: "grant", termsDigest, reason: WHY };
    const call = { token: broker.operatorToken, body: named };
    const { body: granted } = await expectStatus(200, broker.api("POST", "/v1/break-glass/consents", call));
    expect(granted).toMatchObject({ state: "active", terms: { termsDigest } });
  });

  it("a reason is no option", async () => {
    const { meshId } = await bareMesh(broker, "reasoned");
    const body = { meshId, name: "x" };
    await refused(
      "invalid-request",
      broker.api("POST", "/v1/break-glass/tokens", { token: broker.operatorToken, body }),
    );
    await refused("invalid-request", makeToken(broker.operatorToken, meshId, { reason: " " }));
  });
});
