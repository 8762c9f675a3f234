import { afterAll, describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { type ApiAnswer, expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { bareMesh, events, refused, UNLIMITED, upload } from "./api-fixture.ts";

const broker = await runBroker({
  ...UNLIMITED,
  ENTENTE_LIMITS_AUTHORITIES_PER_MESH: "2",
  ENTENTE_LIMITS_FEDERATIONS_PER_MESH: "1",
  ENTENTE_LIMITS_TOKENS_PER_MESH: "2",
  ENTENTE_LIMITS_POLLERS_PER_MESH: "2",
  ENTENTE_LIMITS_REVISIONS_PER_HOUR: "8",
});
afterAll(() => broker.remove());

const overQuota = async (quota: string, answer: Promise<ApiAnswer>) =>
  expect((await refused("quota-exceeded", answer)).body.quota).toBe(`limits.${quota}`);

describe("S22: a mesh has no more than its quotas, counted in the transaction", () => {
  it("published authorities; retired and revoked ones do not count, and an upload is taken whole or not at all", async () => {
    const mesh = await bareMesh(broker, "issuer");
    const path = `/v1/meshes/${mesh.meshId}/authorities`;
    const cas = [1, 2, 3, 4].map(() => testCa({ trustDomain: mesh.trustDomain }).certificatePem);
    const post = (pem: string) => broker.api("POST", path, { token: mesh.token, body: { pem } });
    const move = (authorityId: string, to: string) =>
      expectStatus(200, broker.api("POST", `${path}/${authorityId}/transitions`, { token: mesh.token, body: { to } }));
    await overQuota("authoritiesPerMesh", post(cas.slice(0, 3).join("\n")));
    expect((await broker.api("GET", path, { token: mesh.token })).body.authorities).toEqual([]);
    const [first] = (await upload(broker, mesh, cas[0] ?? "")).authorities;
    const [second] = (await upload(broker, mesh, cas[1] ?? "")).authorities;
    await overQuota("authoritiesPerMesh", post(cas[2] ?? ""));
    await move(second.authorityId, "retired");
    await upload(broker, mesh, cas[2] ?? "");
    await overQuota("authoritiesPerMesh", post(cas[3] ?? ""));
    await move(first.authorityId, "revoked");
    await upload(broker, mesh, cas[3] ?? "");
  });

  it("published authorities: one that expired takes no room, retired or not", async () => {
    const mesh = await bareMesh(broker, "expiring");
    const shortLived = () =>
      testCa({ trustDomain: mesh.trustDomain, notAfter: Date.now() + 3 * DAY_MS }).certificatePem;
    await upload(broker, mesh, shortLived());
    await upload(broker, mesh, shortLived());
    const path = `/v1/meshes/${mesh.meshId}/authorities`;
    const pem = testCa({ trustDomain: mesh.trustDomain }).certificatePem;
    const post = () => broker.api("POST", path, { token: mesh.token, body: { pem } });
    await overQuota("authoritiesPerMesh", post());
    broker.moveClock(4 * DAY_MS);
    try {
      await expectStatus(201, post());
    } finally {
      broker.moveClock(0);
    }
  });

  it("tokens that can be used: a revoked one makes room, and a token counts for each mesh that it names", async () => {
    const mesh = await bareMesh(broker, "holder");
    const make = (token: string, meshes: readonly string[]) =>
      broker.api("POST", "/v1/tokens", { token, body: { name: "x", role: "mesh-viewer", meshes } });
    const { tokenId } = (await expectStatus(201, make(mesh.token, ["holder"]))).body;
    await overQuota("tokensPerMesh", make(mesh.token, ["holder"]));
    const rotate = (overlapSeconds: number) =>
      broker.api("POST", `/v1/tokens/${tokenId}/rotations`, { token: mesh.token, body: { overlapSeconds } });
    await overQuota("tokensPerMesh", rotate(60));
    const { tokenId: successor } = (await expectStatus(201, rotate(0))).body;
    await bareMesh(broker, "beside");
    await overQuota("tokensPerMesh", make(broker.operatorToken, ["beside", "holder"]));
    await expectStatus(200, broker.api("DELETE", `/v1/tokens/${successor}`, { token: mesh.token }));
    await expectStatus(201, make(mesh.token, ["holder"]));
    for (let n = 0; n < 3; n += 1) {
      const body = { name: "x", role: "auditor" };
      await expectStatus(201, broker.api("POST", "/v1/tokens", { token: broker.operatorToken, body }));
    }
  });

  it("pollers that can poll", async () => {
    const mesh = await registerMesh(broker, "poller");
    const path = `/v1/meshes/${mesh.meshId}/pollers`;
    const make = (name: string) => broker.api("POST", path, { token: mesh.token, body: { name } });
    const { pollerId } = (await expectStatus(201, make("second"))).body;
    await overQuota("pollersPerMesh", make("third"));
    await expectStatus(200, broker.api("DELETE", `${path}/${pollerId}`, { token: mesh.token }));
    await expectStatus(201, make("third"));
  });

  it("open federations: a proposal counts for the proposer, an agreed one for both, one that ended for nobody", async () => {
    const [a, b, c] = [
      await registerMesh(broker, "fed-a"),
      await registerMesh(broker, "fed-b"),
      await bareMesh(broker, "fed-c"),
    ];
    const propose = (from: typeof c, peer: string) =>
      broker.api("POST", "/v1/federations", { token: from.token, body: { proposer: from.meshId, peer } });
    const decide = (from: typeof c, id: string, decision: string) =>
      broker.api("POST", `/v1/federations/${id}/consents`, {
        token: from.token,
        body: { meshId: from.meshId, decision },
      });
    const fromC = (await expectStatus(201, propose(c, "fed-a"))).body.federationId;
    const agreed = await federate(broker, a, b);
    await overQuota("federationsPerMesh", decide(a, fromC, "grant"));
    await overQuota("federationsPerMesh", propose(b, "fed-c"));
    await overQuota("federationsPerMesh", propose(c, "fed-b"));
    const body = { proposer: "fed-b", peer: "fed-c" };
    await overQuota("federationsPerMesh", broker.api("POST", "/v1/federations", { token: broker.operatorToken, body }));
    await expectStatus(200, decide(b, agreed, "withdraw"));
    await expectStatus(200, decide(a, fromC, "grant"));
    // By coming back a peer would give the other side one more than it may have.
    await overQuota("federationsPerMesh", decide(b, agreed, "grant"));
  });

  it("open federations: a veto that is lifted brings one back, and counts", async () => {
    const owner = await registerMesh(broker, "veto-owner");
    const member = await bareMesh(broker, "veto-member", owner.trustDomain);
    await expectStatus(
      200,
      broker.api("POST", `/v1/trust-domains/${owner.trustDomain}/memberships`, {
        token: owner.token,
        body: { meshId: member.meshId, decision: "grant" },
      }),
    );
    const [x, y] = [await registerMesh(broker, "veto-x"), await registerMesh(broker, "veto-y")];
    const vetoed = await federate(broker, member, x);
    const decide = (decision: string) =>
      broker.api("POST", `/v1/federations/${vetoed}/consents`, {
        token: owner.token,
        body: { meshId: owner.meshId, decision },
      });
    await expectStatus(200, decide("deny"));
    await federate(broker, member, y);
    await overQuota("federationsPerMesh", decide("grant"));
  });

  it("a refused attempt is an event and leaves nothing else; a dry run is refused alike", async () => {
    const mesh = await registerMesh(broker, "dry");
    const path = `/v1/meshes/${mesh.meshId}/pollers`;
    await expectStatus(201, broker.api("POST", path, { token: mesh.token, body: { name: "second" } }));
    await overQuota(
      "pollersPerMesh",
      broker.api("POST", `${path}?dryRun=true`, { token: mesh.token, body: { name: "3" } }),
    );
    await overQuota("pollersPerMesh", broker.api("POST", path, { token: mesh.token, body: { name: "3" } }));
    const [newest] = await events(broker, "limit=1");
    expect(newest).toMatchObject({ type: "request.refused", detail: { code: "quota-exceeded" } });
    expect((await broker.api("GET", path, { token: mesh.token })).body.pollers).toHaveLength(2);
  });

  // The last: of the clock that it moves the broker tells a little later, which would be the newest event of a test behind it.
  it("revisions an hour; what takes an authority out never waits (S48), nor does another mesh of the trust domain", async () => {
    const mesh = await registerMesh(broker, "restless");
    const { meshId, trustDomain } = mesh;
    const path = `/v1/meshes/${meshId}/authorities`;
    const member = await bareMesh(broker, "quiet", trustDomain);
    const body = { meshId: "quiet", decision: "grant" };
    await expectStatus(
      200,
      broker.api("POST", `/v1/trust-domains/${trustDomain}/memberships`, { token: mesh.token, body }),
    );
    const { authorities } = await upload(broker, mesh, testCa({ trustDomain }).certificatePem);
    const hint = (refreshHintSeconds: number) =>
      broker.api("PATCH", `/v1/trust-domains/${trustDomain}`, { token: mesh.token, body: { refreshHintSeconds } });
    const move = (authorityId: string, to: string) =>
      broker.api("POST", `${path}/${authorityId}/transitions`, { token: mesh.token, body: { to } });
    for (const seconds of [301, 302, 303, 304, 305, 306]) await expectStatus(200, hint(seconds));
    await overQuota("revisionsPerHour", hint(307));
    await expectStatus(200, hint(306));
    await expectStatus(200, move(authorities[0].authorityId, "retired"));
    const pem = testCa({ trustDomain }).certificatePem;
    await overQuota("revisionsPerHour", broker.api("POST", path, { token: mesh.token, body: { pem } }));
    await upload(broker, member, pem);
    await expectStatus(200, move(mesh.authorityId, "revoked"));
    broker.moveClock(HOUR_MS);
    try {
      await expectStatus(200, hint(307));
    } finally {
      broker.moveClock(0);
    }
  });
});
