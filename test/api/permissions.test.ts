import Fastify from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { openapi } from "../../scripts/docs/openapi.ts";
import { requirePermissions } from "../../src/http/mount.ts";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { bareMesh, bytesButRequestId, invite, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());

/** `admin` and `viewer` are of the mesh that the request is about, `peer` of one it federates with, `stranger` of none. */
const HOLDERS = ["admin", "viewer", "peer", "stranger", "auditor", "operator", "invitation"] as const;
type Holder = (typeof HOLDERS)[number];
/** Nobody is let in with these. */
const NO_CREDENTIAL = ["none", "expired", "revoked", "poller"] as const;

/** What is there for the requests to be about; written into the paths and bodies below. */
const there: Record<string, string> = { mesh: "shop", domain: "shop.example" };
const absent: Record<string, string> = {
  mesh: "absent",
  domain: "absent.example",
  authority: "aut_absent",
  poller: "pol_absent",
  federation: "fed_absent",
  token: "tok_absent",
  invitation: "inv_absent",
  allowance: "ska_absent",
  sequence: "1",
  position: "999999999",
};

interface Row {
  /** What each holder is answered. Who is not named is answered 403. */
  readonly answers: Partial<Record<Holder, number>>;
  readonly body?: object;
}

const everyone = (status: number) => ({ ...meshRoles(status), auditor: status, operator: status });
const meshRoles = (status: number) => ({ admin: status, viewer: status, peer: status, stranger: status });
/** Read by the mesh's own people, auditors and operators; absent to other meshes' people (S16). */
const ownRead = { admin: 200, viewer: 200, peer: 404, stranger: 404, auditor: 200, operator: 200 };
/** Done by the mesh's own admin alone; absent to other meshes' admins. */
const ownAct = (status: number) => ({ admin: status, peer: 404, stranger: 404 });

/** The whole table of issue §5, written down a second time: what the code declares must agree with it. */
const ROWS: Readonly<Record<string, Row>> = {
  "POST /v1/invitations": { answers: { operator: 201 }, body: { trustDomain: "new.example" } },
  "GET /v1/invitations": { answers: { operator: 200, auditor: 200 } },
  "GET /v1/invitations/{invitation}": { answers: { operator: 200, auditor: 200 } },
  "DELETE /v1/invitations/{invitation}": { answers: { operator: 200 } },
  "POST /v1/meshes": {
    answers: { operator: 409, invitation: 403 },
    body: { meshId: "shop", trustDomain: "shop.example" },
  },
  "GET /v1/meshes": { answers: everyone(200) },
  "GET /v1/directory": { answers: everyone(200) },
  "GET /v1/meshes/{mesh}": { answers: ownRead },
  "PATCH /v1/meshes/{mesh}": { answers: ownAct(200), body: {} },
  "DELETE /v1/meshes/{mesh}": { answers: { ...ownAct(409), operator: 409 } },
  "GET /v1/trust-domains": { answers: everyone(200) },
  "GET /v1/trust-domains/{domain}": { answers: ownRead },
  "PATCH /v1/trust-domains/{domain}": { answers: ownAct(200), body: {} },
  "GET /v1/trust-domains/{domain}/memberships": { answers: ownRead },
  "POST /v1/trust-domains/{domain}/memberships": {
    answers: ownAct(409),
    body: { meshId: "shop", decision: "grant" },
  },
  "GET /v1/trust-domains/{domain}/revisions": { answers: { ...ownRead, peer: 200 } },
  "GET /v1/trust-domains/{domain}/revisions/{sequence}": { answers: { ...ownRead, peer: 200 } },
  "POST /v1/meshes/{mesh}/authorities": { answers: ownAct(400), body: { pem: "" } },
  "GET /v1/meshes/{mesh}/authorities": { answers: ownRead },
  "GET /v1/meshes/{mesh}/authorities/{authority}": { answers: ownRead },
  "POST /v1/meshes/{mesh}/authorities/{authority}/transitions": { answers: ownAct(409), body: { to: "active" } },
  "POST /v1/shared-key-allowances": {
    answers: { operator: 201 },
    body: { trustDomains: ["a.example", "b.example"], reason: "one root" },
  },
  "GET /v1/shared-key-allowances": { answers: { operator: 200, auditor: 200 } },
  "GET /v1/shared-key-allowances/{allowance}": { answers: { operator: 200, auditor: 200 } },
  "DELETE /v1/shared-key-allowances/{allowance}": { answers: { operator: 200 } },
  "POST /v1/federations": {
    answers: { ...ownAct(409), operator: 409 },
    body: { proposer: "shop", peer: "bank" },
  },
  "GET /v1/federations": { answers: everyone(200) },
  "GET /v1/federations/{federation}": { answers: { ...ownRead, peer: 200 } },
  "POST /v1/federations/{federation}/consents": {
    answers: ownAct(409),
    body: { meshId: "shop", decision: "deny" },
  },
  "POST /v1/federations/{federation}/terms": { answers: ownAct(409), body: { meshId: "shop" } },
  "POST /v1/meshes/{mesh}/pollers": { answers: ownAct(409), body: { name: "control plane" } },
  "GET /v1/meshes/{mesh}/pollers": { answers: ownRead },
  "GET /v1/meshes/{mesh}/pollers/{poller}": { answers: ownRead },
  "PATCH /v1/meshes/{mesh}/pollers/{poller}": { answers: ownAct(200), body: {} },
  "DELETE /v1/meshes/{mesh}/pollers/{poller}": { answers: ownAct(200) },
  "GET /v1/meshes/{mesh}/deliveries": { answers: ownRead },
  "POST /v1/tokens": {
    answers: { ...ownAct(201), operator: 201 },
    body: { name: "one more", role: "mesh-viewer", meshes: ["shop"] },
  },
  "GET /v1/tokens": { answers: everyone(200) },
  "GET /v1/tokens/{token}": { answers: ownRead },
  "DELETE /v1/tokens/{token}": { answers: { ...ownAct(409), operator: 409 } },
  "GET /v1/audit-events": { answers: everyone(200) },
  "GET /v1/audit-events/{position}": { answers: ownRead },
  "GET /metrics": { answers: { operator: 200, auditor: 200 } },
};
const OPEN_TO_ALL = ["GET /livez", "GET /readyz"];

/** `{meshId}` of the contract is `{mesh}` of the table. */
const asRow = (operation: string) =>
  operation.replaceAll("{trustDomain}", "{domain}").replaceAll(/\{(\w+)Id\}/g, "{$1}");
const filled = (path: string, names: Record<string, string>) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? "missing");

const tokens = {} as Record<Holder | (typeof NO_CREDENTIAL)[number], string | undefined>;
const ask = (operation: string, token: string | undefined, names = there) => {
  const [method = "", path = ""] = operation.split(" ");
  const { body } = ROWS[operation] ?? {};
  return broker.api(method, filled(path, names), { ...(token ? { token } : {}), ...(body ? { body } : {}) });
};

beforeAll(async () => {
  const { operatorToken } = broker;
  const make = async (token: string, body: object) =>
    (await expectStatus(201, broker.api("POST", "/v1/tokens", { token, body: { name: "test", ...body } }))).body;
  const shop = await registerMesh(broker, "shop");
  const bank = await registerMesh(broker, "bank");
  const spent = await make(shop.token, { role: "mesh-viewer", meshes: ["shop"] });
  await broker.api("DELETE", `/v1/tokens/${spent.tokenId}`, { token: shop.token });
  const revoked = await make(operatorToken, { role: "operator" });
  await broker.api("DELETE", `/v1/tokens/${revoked.tokenId}`, { token: operatorToken });
  const allowance = { trustDomains: ["a.example", "b.example"], reason: "one root" };
  const allowed = await broker.api("POST", "/v1/shared-key-allowances", { token: operatorToken, body: allowance });
  const expired = await make(operatorToken, { role: "operator", expiresInSeconds: 1 });
  const federation = await federate(broker, shop, bank);
  const domain = await broker.api("GET", "/v1/trust-domains/shop.example", { token: shop.token });
  const ofShop = await broker.api("GET", "/v1/audit-events?type=poller.created", { token: shop.token });
  Object.assign(there, {
    federation,
    authority: shop.authorityId,
    poller: shop.pollerId,
    token: spent.tokenId,
    invitation: (await invite(broker, { trustDomain: "x.example" })).body.invitationId,
    allowance: allowed.body.allowanceId,
    sequence: String(domain.body.sequence),
    position: String(ofShop.body.events[0].position),
  });
  Object.assign(tokens, {
    none: undefined,
    expired: expired.token,
    revoked: revoked.token,
    poller: shop.pollerToken,
    admin: shop.token,
    viewer: (await make(shop.token, { role: "mesh-viewer", meshes: ["shop"] })).token,
    peer: bank.token,
    stranger: (await bareMesh(broker, "stranger")).token,
    auditor: (await make(operatorToken, { role: "auditor" })).token,
    operator: operatorToken,
    invitation: (await invite(broker, { trustDomain: "y.example" })).body.token,
  });
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(expired.expiresAt) - Date.now() + 1)));
});

describe("S17: every operation, asked by everybody", () => {
  it("every operation of the contract has a row, and every row an operation", async () => {
    const { paths } = parse(await openapi.render()) as { paths: Record<string, Record<string, unknown>> };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => asRow(`${method.toUpperCase()} ${path}`)),
    );
    expect(operations.sort()).toEqual([...Object.keys(ROWS), ...OPEN_TO_ALL].sort());
  });

  it.each(OPEN_TO_ALL)("%s answers without a credential, and does not look at one", async (operation) => {
    for (const token of [...NO_CREDENTIAL, ...HOLDERS].map((name) => tokens[name]))
      expect((await ask(operation, token)).status).toBe(200);
  });

  it.each(Object.keys(ROWS))("%s: 401 without a valid credential, the same for all (S25)", async (operation) => {
    const answers = [];
    for (const name of NO_CREDENTIAL) answers.push(await ask(operation, tokens[name]));
    for (const { status, body } of answers) expect([status, body.code]).toEqual([401, "unauthenticated"]);
    expect(new Set(answers.map(bytesButRequestId)).size).toBe(1);
  });

  it.each(Object.entries(ROWS))("%s: as the table says", async (operation, { answers }) => {
    const expected = Object.fromEntries(HOLDERS.map((holder) => [holder, answers[holder] ?? 403]));
    const found: Record<string, number> = {};
    // Ten refusals void an invitation.
    tokens.invitation = (await invite(broker, { trustDomain: "y.example" })).body.token;
    // Those that are let through come last: what they do must not be in the way of the others.
    for (const holder of HOLDERS.toSorted((a, b) => (expected[b] ?? 0) - (expected[a] ?? 0))) {
      const { status, text, body } = await ask(operation, tokens[holder]);
      found[holder] = status;
      const code = {
        403: holder === "invitation" && operation === "POST /v1/meshes" ? "invitation-mismatch" : "forbidden",
        404: "not-found",
      }[status];
      if (code) expect(body.code, text).toBe(code);
    }
    expect(found).toEqual(expected);
  });

  const scoped = Object.entries(ROWS).filter(([path, { answers }]) => answers.stranger === 404 && path.includes("{"));
  it.each(scoped)(
    "S16: %s: what is another's answers like what is absent: same bytes but the request ID",
    async (operation, { answers }) => {
      for (const holder of HOLDERS.filter((one) => answers[one] === 404)) {
        // A peer sees the federation, and is told that it does not speak for the other side.
        if (holder === "peer" && operation.includes("{federation}")) continue;
        const foreign = await ask(operation, tokens[holder]);
        const missing = await ask(operation, tokens[holder], absent);
        expect(bytesButRequestId(foreign)).toBe(bytesButRequestId(missing));
      }
    },
  );
});

describe("S18: nothing is served that declares no permission", () => {
  it("such a route fails as it is added, before anything listens", () => {
    const app = Fastify();
    requirePermissions(app);
    const add = (config: object) => () => app.route({ method: "GET", url: "/x", config, handler: async () => ({}) });
    expect(add({})).toThrow("GET /x declares no permission (S18)");
    expect(add({ endpoint: { path: "/x" } })).toThrow("GET /x declares no permission (S18)");
    expect(add({ endpoint: { path: "/x", permission: "mesh:read" } })).not.toThrow();
  });
});
