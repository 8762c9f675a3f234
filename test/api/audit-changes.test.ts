import { afterAll, describe, expect, it } from "vitest";
import { registerMesh, runBroker, type TestBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { idOf, invite, recordedBy, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const operator = broker.operatorToken;

const requestsLogged = () =>
  broker
    .log()
    .split("\n")
    .filter((line) => line.includes('"operation"'))
    .map((line) => JSON.parse(line) as { requestId: string; operation: string | null; caller: string | null });

describe("every change is an event: who, from where, what, of what, before and after, by which request", () => {
  const digest = /^[0-9a-f]{64}$/;
  /** Which digests there are: of what was there before, and of what is there after. */
  const CHANGES: [
    name: string,
    types: string[],
    sides: string,
    request: () => Promise<Parameters<TestBroker["api"]>>,
  ][] = [
    [
      "an invitation",
      ["invitation.created"],
      "after",
      async () => ["POST", "/v1/invitations", { token: operator, body: { trustDomain: "i.example" } }],
    ],
    [
      "a mesh",
      ["mesh.registered", "trust-domain.registered", "membership.granted"],
      "after",
      async () => ["POST", "/v1/meshes", { token: operator, body: { meshId: "m", trustDomain: "m.example" } }],
    ],
    [
      "a mesh's description",
      ["mesh.updated"],
      "both",
      async () => ["PATCH", "/v1/meshes/audited", { token: audited.token, body: { displayName: "New" } }],
    ],
    [
      "a trust domain's settings",
      ["trust-domain.updated", "bundle.revised"],
      "both",
      async () => [
        "PATCH",
        "/v1/trust-domains/audited.example",
        { token: audited.token, body: { refreshHintSeconds: 900 } },
      ],
    ],
    [
      "an authority",
      ["authority.contributed", "bundle.revised"],
      "after",
      async () => [
        "POST",
        "/v1/meshes/audited/authorities",
        { token: audited.token, body: { pem: testCa({ trustDomain: "audited.example" }).certificatePem } },
      ],
    ],
    [
      "an authority's state",
      ["authority.transitioned"],
      "both",
      async () => [
        "POST",
        `/v1/meshes/audited/authorities/${audited.authorityId}/transitions`,
        { token: audited.token, body: { to: "retiring", reason: "old" } },
      ],
    ],
    [
      "an authority's revocation",
      ["authority.revoked", "bundle.revised"],
      "both",
      async () => [
        "POST",
        `/v1/meshes/audited/authorities/${audited.authorityId}/transitions`,
        { token: audited.token, body: { to: "revoked" } },
      ],
    ],
    [
      "a poller",
      ["poller.created"],
      "after",
      async () => ["POST", "/v1/meshes/audited/pollers", { token: audited.token, body: { name: "second" } }],
    ],
    [
      "a poller's description",
      ["poller.updated"],
      "both",
      async () => [
        "PATCH",
        `/v1/meshes/audited/pollers/${audited.pollerId}`,
        { token: audited.token, body: { replicas: 3 } },
      ],
    ],
    [
      "a poller's end",
      ["poller.revoked"],
      "both",
      async () => ["DELETE", `/v1/meshes/audited/pollers/${audited.pollerId}`, { token: audited.token }],
    ],
    [
      "a token",
      ["token.created"],
      "after",
      async () => [
        "POST",
        "/v1/tokens",
        { token: audited.token, body: { name: "t", role: "mesh-viewer", meshes: ["audited"] } },
      ],
    ],
    [
      "a federation",
      ["federation.proposed"],
      "after",
      async () => ["POST", "/v1/federations", { token: audited.token, body: { proposer: "audited", peer: "partner" } }],
    ],
    [
      "a consent",
      ["federation.granted", "federation.terms-agreed", "bundle-access.granted", "bundle-access.granted"],
      "both",
      async () => [
        "POST",
        `/v1/federations/${await pendingFederation()}/consents`,
        { token: partner.token, body: { meshId: "partner", decision: "grant", reason: "yes" } },
      ],
    ],
    [
      "a shared key's allowance",
      ["shared-key.allowed"],
      "after",
      async () => [
        "POST",
        "/v1/shared-key-allowances",
        { token: operator, body: { trustDomains: ["a.example", "b.example"], reason: "one root" } },
      ],
    ],
    [
      "a mesh's end",
      ["mesh.deleted"],
      "before",
      async () => ["DELETE", "/v1/meshes/audited?withdraw=true", { token: audited.token }],
    ],
  ];
  const pendingFederation = async () =>
    (await broker.api("GET", "/v1/federations?meshId=partner", { token: partner.token })).body.federations[0]
      .federationId;
  let audited: Awaited<ReturnType<typeof registerMesh>>;
  let partner: Awaited<ReturnType<typeof registerMesh>>;

  it("two meshes are there", async () => {
    audited = await registerMesh(broker, "audited");
    partner = await registerMesh(broker, "partner");
  });

  it.each(CHANGES)("%s", async (_name, types, sides, request) => {
    const call = await request();
    const recorded = await recordedBy(broker, async () => expect((await broker.api(...call)).status).toBeLessThan(300));
    expect(recorded.map(({ type }) => type).slice(0, types.length)).toEqual(types);
    // Whether the listing itself is in the log already is the network's.
    const logged = requestsLogged().findLast(({ operation }) => operation !== "listAuditEvents");
    for (const event of recorded) {
      expect(event).toMatchObject({
        outcome: "done",
        actor: { kind: "token", id: idOf(String(call[2]?.token)) },
        source: "127.0.0.1",
        requestId: logged?.requestId,
      });
      expect(event.eventId).toMatch(/^evt_/);
      expect(event.subjects.length).toBeGreaterThan(0);
      expect(event.detail.salt).toMatch(/^[\w-]{22}$/);
    }
    expect(logged?.caller).toBe(idOf(String(call[2]?.token)));
    const { beforeDigest, afterDigest } = recorded[0].detail;
    if (sides === "after") expect(beforeDigest).toBeNull();
    else expect(beforeDigest).toMatch(digest);
    if (sides === "before") expect(afterDigest).toBeNull();
    else expect(afterDigest).toMatch(digest);
    expect(beforeDigest).not.toBe(afterDigest);
    const body = call[2]?.body as { reason?: string } | undefined;
    if (body?.reason) expect(recorded[0].detail.reason).toBe(body.reason);
  });

  it("an invitation's registration is the invitation's act, for the mesh that it made", async () => {
    const { token } = (await invite(broker, { trustDomain: "guest.example" })).body;
    const body = { meshId: "guest", trustDomain: "guest.example" };
    const recorded = await recordedBy(broker, () => broker.api("POST", "/v1/meshes", { token, body }));
    expect(recorded.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["mesh.registered", "membership.granted", "invitation.spent", "token.created"]),
    );
    for (const event of recorded)
      expect(event).toMatchObject({ meshId: "guest", actor: { kind: "invitation", id: idOf(token) } });
  });

  it("a read is no change, and leaves no event", async () => {
    const paths = ["/v1/meshes", "/v1/audit-events", "/v1/tokens", "/v1/directory", "/v1/meshes/absent"];
    const read = async () => {
      for (const path of paths) await broker.api("GET", path, { token: operator });
    };
    expect(await recordedBy(broker, read)).toEqual([]);
  });
});
