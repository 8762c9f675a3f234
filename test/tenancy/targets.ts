import { bareMesh, invite, upload } from "../api/api-fixture.ts";
import { expectStatus, federate, registerMesh, type TestBroker, type TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";

/** What a request can be about: a value for each parameter of a path, and what bodies are made of. */
export interface Target {
  readonly meshId: string;
  /** Another member of its trust domain. */
  readonly member: string;
  /** By parameter, as the contract names it. */
  readonly values: Readonly<Record<string, string>>;
  /** Meshes that are served its trust domain's bundle. */
  readonly served: readonly string[];
  /** The two sides of its federation. */
  readonly sides: readonly string[];
  /** Of another's bundle that it is served: an authority. */
  readonly seen: { readonly trustDomain: string; readonly fingerprint: string };
}

/** Whose things a request is about, as the mesh `shop` sees it. */
export const TARGETS = ["own", "peer", "foreign", "absent", "malformed"] as const;
export type TargetName = (typeof TARGETS)[number];

export const MALFORMED = "Not-A-Name_";
const nowhere = (meshId: string, id: (absent: string) => string): Target => ({
  meshId,
  member: meshId,
  values: {
    meshId: id("absent"),
    trustDomain: id("absent.example"),
    ...Object.fromEntries(
      Object.entries(KINDS).map(([parameter, kind]) => [parameter, id(`${kind}_${"0".repeat(22)}`)]),
    ),
    sequence: id("9007199254740991"),
    position: id("999999999"),
  },
  served: [],
  sides: [],
  seen: { trustDomain: "absent.example", fingerprint: "0".repeat(64) },
});

/** Prefix of the IDs that a parameter of a path takes. */
const KINDS: Readonly<Record<string, string>> = {
  authorityId: "aut",
  pollerId: "pol",
  federationId: "fed",
  tokenId: "tok",
  invitationId: "inv",
  allowanceId: "ska",
  codeId: "fdc",
  distrustId: "dis",
  transferId: "tdt",
};

const NOWHERE: Readonly<Record<"absent" | "malformed", Target>> = {
  absent: nowhere("absent", (id) => id),
  // In its path alone: what of a body is malformed, ids.test.ts tries one by one.
  malformed: nowhere("absent", () => MALFORMED),
};

export interface Tenants {
  readonly targets: Readonly<Record<TargetName, Target>>;
  readonly meshes: Readonly<Record<"shop" | "bank" | "isle" | "reef", TestMesh>>;
}

/**
 * `shop` federates with `bank`; `bank` and `isle`, which is not listed and knows nobody of them, with `reef`; `quay`, which
 * is listed, with nobody.
 */
export async function tenants(broker: TestBroker): Promise<Tenants> {
  const shop = await registerMesh(broker, "shop");
  const bank = await registerMesh(broker, "bank");
  const isle = await registerMesh(broker, "isle", { mesh: { listed: false } });
  const reef = await registerMesh(broker, "reef");
  await bareMesh(broker, "quay");
  const second = new Map<string, string>();
  for (const mesh of [shop, bank, isle, reef]) {
    const { trustDomain } = mesh;
    const pem = testCa({ trustDomain, kind: "p256" }).certificatePem;
    const uploaded = await upload(broker, mesh, pem, { state: "active" });
    second.set(mesh.meshId, uploaded.authorities[0].fingerprint);
  }
  const operator = broker.operatorToken;
  const allowance = { trustDomains: ["a.example", "b.example"], reason: "one root" };
  const made = (path: string, token: string, body: object) =>
    expectStatus(201, broker.api("POST", path, { token, body })).then(({ body }) => body);
  const ofBroker = {
    invitationId: (await invite(broker, { trustDomain: "x.example" })).body.invitationId,
    allowanceId: (await made("/v1/shared-key-allowances", operator, allowance)).allowanceId,
  };

  async function memberOf({ meshId, trustDomain, token }: TestMesh): Promise<string> {
    const member = await bareMesh(broker, `${meshId}-2`, trustDomain);
    const body = { meshId: member.meshId, decision: "grant" };
    await expectStatus(200, broker.api("POST", `/v1/trust-domains/${trustDomain}/memberships`, { token, body }));
    return member.meshId;
  }

  async function target(mesh: TestMesh, partner: TestMesh, served: readonly string[]): Promise<Target> {
    const { meshId, trustDomain, token, authorityId, pollerId } = mesh;
    const federationId = await federate(broker, mesh, partner);
    const path = `/v1/meshes/${meshId}`;
    const domain = `/v1/trust-domains/${trustDomain}`;
    const viewer = await made("/v1/tokens", token, { name: "target", role: "mesh-viewer", meshes: [meshId] });
    const of = await expectStatus(200, broker.api("GET", domain, { token }));
    const events = await expectStatus(200, broker.api("GET", "/v1/audit-events?type=poller.created", { token }));
    const brought = `/v1/meshes/${partner.meshId}/authorities/${partner.authorityId}`;
    const { fingerprint } = (await expectStatus(200, broker.api("GET", brought, { token: partner.token }))).body;
    const member = await memberOf(mesh);
    const distrust = { trustDomain: partner.trustDomain, fingerprint, reason: "a try" };
    return {
      meshId,
      member,
      values: {
        ...ofBroker,
        meshId,
        trustDomain,
        authorityId,
        pollerId,
        federationId,
        tokenId: viewer.tokenId,
        codeId: (await made(`${path}/federation-codes`, token, {})).codeId,
        distrustId: (await made(`${path}/distrusts`, token, distrust)).distrustId,
        transferId: (await made(`${domain}/transfers`, token, { meshId: member })).transferId,
        sequence: String(of.body.sequence),
        position: String(events.body.events[0].position),
      },
      served,
      sides: [meshId, partner.meshId],
      seen: { trustDomain: partner.trustDomain, fingerprint: second.get(partner.meshId) ?? "" },
    };
  }

  return {
    meshes: { shop, bank, isle, reef },
    targets: {
      own: await target(shop, bank, ["shop", "bank"]),
      peer: await target(bank, reef, ["shop", "bank", "reef"]),
      foreign: await target(isle, reef, ["isle", "reef"]),
      ...NOWHERE,
    },
  };
}
