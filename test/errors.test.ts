import { createPublicKey } from "node:crypto";
import { join } from "node:path";
import { connect } from "node:tls";
import BetterSqlite3 from "better-sqlite3";
import { afterAll, describe, expect, it } from "vitest";
import { catalogue, type ErrorCode, Refusal } from "../src/errors.ts";
import { pemOf } from "../src/pki/pem.ts";
import { parseSpiffeId } from "../src/spiffe/spiffe-id.ts";
import { bareMesh, invite, UNLIMITED, upload } from "./api/api-fixture.ts";
import { runEndpoint } from "./bundle-endpoint/endpoint-fixture.ts";
import { keepLoopBusy } from "./support/busy-loop.ts";
import { hostileCertificates } from "./support/hostile-certificates.ts";
import { ON_SQLITE } from "./support/postgres-server.ts";
import { expectStatus, federate, registerMesh, runBroker } from "./support/running-broker.ts";
import { testCa } from "./support/test-ca.ts";
import { testKey } from "./support/test-keys.ts";

const broker = await runBroker({
  ...ON_SQLITE,
  ...UNLIMITED,
  ENTENTE_TOMBSTONE_SECONDS: "1",
  ENTENTE_LIMITS_HEADERS_TIMEOUT_MS: "2000",
  ENTENTE_LIMITS_CONNECTION_CHECK_MS: "100",
});
afterAll(() => broker.remove());
const operator = broker.operatorToken;
const shop = await registerMesh(broker, "shop");
const bank = await registerMesh(broker, "bank");
const federationId = await federate(broker, shop, bank);
const guest = await bareMesh(broker, "guest", shop.trustDomain);
await bareMesh(broker, "elsewhere");

/** What a provocation came to: the status and the whole problem. */
interface Told {
  readonly status: number;
  readonly body: string;
}
const call = async (method: string, path: string, token: string | undefined, body?: unknown): Promise<Told> => {
  const answer = await broker.api(method, path, {
    ...(token === undefined ? {} : { token }),
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, body: answer.text };
};
const asOperator = (method: string, path: string, body?: unknown) => call(method, path, operator, body);
const asShop = (method: string, path: string, body?: unknown) => call(method, path, shop.token, body);
const raw = async (text: string, headers: Record<string, string> = {}): Promise<Told> => {
  const answer = await broker.api("POST", "/v1/tokens", { token: operator, raw: text, headers });
  return { status: answer.status, body: answer.text };
};
const accepting = async (path: string, accept: string): Promise<Told> => {
  const answer = await broker.api("GET", path, { token: operator, headers: { accept } });
  return { status: answer.status, body: answer.text };
};
const register = (meshId: string, trustDomain: string, token = operator) =>
  call("POST", "/v1/meshes", token, { meshId, trustDomain });
const send = (body: object) => asShop("POST", "/v1/meshes/shop/authorities", body);
const sendBundle = (...keys: unknown[]) => send({ bundle: { keys } });
const ofAuthority = `/v1/meshes/shop/authorities/${shop.authorityId}`;
const move = (to: string) => asShop("POST", `${ofAuthority}/transitions`, { to });
const members = (token: string, body: object) =>
  call("POST", "/v1/trust-domains/shop.example/memberships", token, body);
/** `guest` is a granted member by then. */
const offerDomain = () => asShop("POST", "/v1/trust-domains/shop.example/transfers", { meshId: "guest" });
const propose = (peer: string, more: object = {}) =>
  asShop("POST", "/v1/federations", { proposer: "shop", peer, ...more });
const consent = (body: object) =>
  asShop("POST", `/v1/federations/${federationId}/consents`, { meshId: "shop", ...body });
const jwk = () => createPublicKey(testKey("p256")).export({ format: "jwk" });
const shopCa = (options = {}) => testCa({ trustDomain: shop.trustDomain, ...options });

/** The answer to bytes that are no request, or not a whole one, at the bundle endpoint. */
function bytesToEndpoint(text: string): Promise<Told> {
  const { hostname, port } = new URL(broker.addresses.bundleWeb);
  return new Promise((resolve, reject) => {
    let said = "";
    const socket = connect({ host: hostname, port: Number(port), ca: broker.adminCa }, () => socket.write(text));
    socket.on("data", (chunk) => {
      said += chunk;
    });
    socket.on("close", () => {
      const [head = "", body = ""] = said.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1]), body });
    });
    socket.on("error", reject);
  });
}

async function whileDatabase(broken: string, mended: string, act: () => Promise<Told>): Promise<Told> {
  const db = new BetterSqlite3(join(broker.dataFolder, "entente.db"));
  try {
    db.exec(broken);
    return await act();
  } finally {
    db.exec(mended);
    db.close();
  }
}

/** Each rule of the authority profile has a certificate that breaks it. */
const certificates = Object.fromEntries(
  hostileCertificates(shop.trustDomain, Date.now())
    .filter(({ der }) => der.length > 0)
    .map(({ code, der }) => [code, () => send({ pem: pemOf(der) })]),
);

const underKey = (key: string, name: string) =>
  broker.api("POST", "/v1/meshes/shop/pollers", {
    token: shop.token,
    body: { name },
    headers: { "idempotency-key": key },
  });
/** The second of two requests under one key. */
const again = async (first: string, second: string): Promise<Told> => {
  await expectStatus(201, underKey(first, first));
  const { status, text } = await underKey(first, second);
  return { status, body: text };
};
/** Requests under one key at once, until one meets another that is under way: which come together is the network's. */
const atOnce = async (): Promise<Told> => {
  for (let round = 0; round < 50; round++) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => underKey(`at-once-${round}`, `at once ${round}`)),
    );
    const met = answers.find(({ body }) => body.code === "idempotency-key-in-use");
    if (met) return { status: met.status, body: met.text };
  }
  throw new Error("no two requests were under way at once");
};
const whileBusy = async (): Promise<Told> => {
  const busy = await runBroker({ ...ON_SQLITE, ENTENTE_LIMITS_LOOP_DELAY_MS: "100" });
  try {
    await keepLoopBusy(3_000);
    const { status, text } = await busy.api("GET", "/v1/tokens", { token: busy.operatorToken });
    return { status, body: text };
  } finally {
    await busy.remove();
  }
};
const guarded = async (headers: Record<string, string> | undefined): Promise<Told> => {
  const call = headers === undefined ? { unguarded: true as const } : { headers };
  const { status, text } = await broker.api("PATCH", "/v1/meshes/shop", { token: shop.token, body: {}, ...call });
  return { status, body: text };
};

const provocations: Readonly<Partial<Record<ErrorCode, () => Promise<Told>>>> = {
  ...certificates,
  "invalid-request": () => asOperator("POST", "/v1/tokens", {}),
  "invalid-json": () => raw("{"),
  "duplicate-member": () => raw('{"a":1,"a":2}'),
  "too-complex": () => raw("[".repeat(50)),
  "invalid-text": () => asShop("PATCH", "/v1/meshes/shop", { displayName: "\u202e" }),
  "invalid-trust-domain": () => register("x", "No Name"),
  "invalid-mesh-id": () => register("No Label", "x.example"),
  "body-too-large": () => raw(" ".repeat(100_000)),
  "unsupported-media-type": () => raw("{}", { "content-type": "text/plain" }),
  overloaded: () => whileBusy(),
  "misdirected-request": async () => {
    const { status, text } = await broker.api("GET", "/v1/tokens", { headers: { host: "elsewhere.example" } });
    return { status, body: text };
  },
  "method-not-allowed": () => asOperator("PUT", "/v1/tokens"),
  "precondition-required": () => guarded(undefined),
  "precondition-failed": () => guarded({ "if-match": '"another"' }),
  "idempotency-key-reused": () => again("one-key", "another body"),
  "idempotency-key-in-use": () => atOnce(),
  "secret-already-shown": () => again("shown", "shown"),
  "invalid-cursor": () => asOperator("GET", "/v1/tokens?cursor=x"),
  "not-acceptable": () => accepting("/v1/audit-events", "text/html"),
  "invalid-label-selector": () => asOperator("GET", "/v1/meshes?labelSelector=,"),
  unauthenticated: () => call("GET", "/v1/tokens", undefined),
  forbidden: () => asShop("GET", "/v1/invitations"),
  "not-found": () => asShop("GET", "/v1/meshes/bank"),
  "invalid-pem": () => send({ pem: "" }),
  "private-key-submitted": () => send({ pem: shop.ca.keyPem }),
  "invalid-bundle": () => send({ bundle: {} }),
  "bundle-too-large": () => sendBundle(...Array(101).fill({ kty: "future" })),
  "bundle-entry": () => sendBundle("text"),
  "invalid-jwk": () => send({ jwk: {} }),
  "jwk-not-allowed": () => send({ jwk: { kty: "OKP", crv: "Ed25519", x: "AAAA", kid: "k" } }),
  "jwk-key-id": () => send({ jwk: jwk() }),
  "x5c-mismatch": () => sendBundle({ use: "x509-svid", ...jwk(), x5c: [Buffer.from(shopCa().der).toString("base64")] }),
  "nothing-to-register": () => sendBundle(),
  "mesh-id-taken": () => register("shop", "x.example"),
  "trust-domain-reserved": () => register("x", "broker.example"),
  "trust-domain-freed": async () => {
    const { token } = await bareMesh(broker, "leaver");
    await expectStatus(200, broker.api("DELETE", "/v1/meshes/leaver", { token }));
    return call("POST", "/v1/invitations", broker.operatorToken, { trustDomain: "leaver.example" });
  },
  "trust-domain-has-members": async () => {
    const landlord = await bareMesh(broker, "landlord");
    await bareMesh(broker, "tenant", landlord.trustDomain);
    const path = "/v1/trust-domains/landlord.example/memberships";
    await call("POST", path, landlord.token, { meshId: "tenant", decision: "grant" });
    return call("DELETE", "/v1/meshes/landlord", landlord.token);
  },
  "invitation-mismatch": async () =>
    register("x", "y.example", (await invite(broker, { trustDomain: "x.example" })).body.token),
  "mesh-has-federations": () => asShop("DELETE", "/v1/meshes/shop"),
  "membership-pending": () =>
    call("POST", "/v1/meshes/guest/authorities", guest.token, { pem: shopCa().certificatePem }),
  "not-the-owner": async () => {
    await members(shop.token, { meshId: "guest", decision: "grant" });
    return members(guest.token, { meshId: "guest", decision: "expel" });
  },
  "membership-decision": () => members(shop.token, { meshId: "shop", decision: "expel" }),
  "authority-exists": () => send({ pem: shop.ca.certificatePem }),
  "authority-revoked": async () => {
    const [member, ca] = [await bareMesh(broker, "late", shop.trustDomain), shopCa()];
    await members(shop.token, { meshId: "late", decision: "grant" });
    const [{ authorityId }] = (await upload(broker, shop, ca.certificatePem)).authorities;
    await asShop("POST", `/v1/meshes/shop/authorities/${authorityId}/transitions`, { to: "revoked" });
    return call("POST", "/v1/meshes/late/authorities", member.token, { pem: ca.certificatePem });
  },
  "key-known-elsewhere": () => send({ pem: shopCa({ privateKey: bank.ca.privateKey }).certificatePem }),
  "proof-challenge-expired": () => asShop("POST", `${ofAuthority}/proofs`, { signature: "AAAA" }),
  "proof-failed": async () => {
    await asShop("POST", `${ofAuthority}/proof-challenges`);
    return asShop("POST", `${ofAuthority}/proofs`, { signature: "AAAA" });
  },
  "key-id-taken": async () => {
    await send({ jwk: { ...jwk(), kid: "k" } });
    return send({ jwk: { ...jwk(), kid: "k" } });
  },
  "impossible-transition": () => move("prepared"),
  "would-empty-bundle": async () => {
    const single = await registerMesh(broker, "alone");
    const path = `/v1/meshes/alone/authorities/${single.authorityId}/transitions`;
    return call("POST", path, single.token, { to: "revoked" });
  },
  "federation-with-itself": () => propose("shop"),
  "federation-exists": () => propose("bank"),
  "invalid-terms": () => propose("elsewhere", { expiresAt: "2020-01-01T00:00:00Z" }),
  "terms-changed": () => consent({ decision: "withdraw", termsDigest: "0".repeat(64) }),
  "terms-unchanged": () => asShop("POST", `/v1/federations/${federationId}/terms`, { meshId: "shop" }),
  "federation-decision": () => consent({ decision: "deny" }),
  "federation-code-invalid": () => asShop("POST", "/v1/federations", { proposer: "shop", code: "nonsense" }),
  "already-distrusted": async () => {
    const body = {
      trustDomain: bank.trustDomain,
      fingerprint: bank.ca.authority().fingerprint,
      reason: "x",
      force: true,
    };
    await asShop("POST", "/v1/meshes/shop/distrusts", body);
    return asShop("POST", "/v1/meshes/shop/distrusts", body);
  },
  "admin-token-exists": () => asOperator("POST", "/v1/tokens", { name: "x", role: "mesh-admin", meshes: ["shop"] }),
  "wider-rights": () => asShop("POST", "/v1/tokens", { name: "x", role: "operator" }),
  "quota-exceeded": async () => {
    const path = `/v1/meshes/shop/pollers/${shop.pollerId}/rotations`;
    for (let n = 0; n < 4; n += 1) await asShop("POST", path, {});
    return asShop("POST", path, {});
  },
  "mesh-suspended": async () => {
    const { token } = await bareMesh(broker, "held");
    await asOperator("POST", "/v1/meshes/held/suspension", { reason: "x" });
    return call("PATCH", "/v1/meshes/held", token, { displayName: "x" });
  },
  "break-glass-off": () => asOperator("POST", "/v1/break-glass/tokens", { meshId: "shop", name: "x", reason: "x" }),
  "ca-rollover-under-way": async () => {
    await asOperator("POST", "/v1/broker/ca-rollovers", {});
    return asOperator("POST", "/v1/broker/ca-rollovers", {});
  },
  "transfer-open": async () => {
    await offerDomain();
    return offerDomain();
  },
  "transfer-decision": async () => {
    const { transfers } = JSON.parse((await asShop("GET", "/v1/trust-domains/shop.example/transfers")).body);
    const path = `/v1/trust-domains/shop.example/transfers/${transfers[0].transferId}/decisions`;
    return asShop("POST", path, { meshId: "shop", decision: "accept" });
  },
  "poller-name-taken": () => asShop("POST", "/v1/meshes/shop/pollers", { name: "control plane" }),
  "already-ended": async () => {
    const path = `/v1/invitations/${(await invite(broker, { trustDomain: "x.example" })).body.invitationId}`;
    await asOperator("DELETE", path);
    return asOperator("DELETE", path);
  },
  "too-many-requests": async () => {
    await using strict = await runEndpoint({ limits: { unknownPollersPerMinute: 1 } });
    await strict.istiod("/p/x/shop.example");
    return await strict.istiod("/p/x/shop.example");
  },
  "bundle-withdrawn": async () => {
    const a = await registerMesh(broker, "parting-a");
    const b = await registerMesh(broker, "parting-b");
    const parting = await federate(broker, a, b);
    const poll = () => broker.pollWeb(`/p/${a.pollerToken}/parting-b.example`);
    await poll();
    await call("POST", `/v1/federations/${parting}/consents`, b.token, { meshId: "parting-b", decision: "withdraw" });
    await poll();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    return poll();
  },
  "malformed-request": () => bytesToEndpoint("GET / HTTP/1.1\r\nhost : x\r\n\r\n"),
  "expectation-failed": () => bytesToEndpoint("GET / HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\n\r\n"),
  "headers-too-large": () => bytesToEndpoint(`GET / HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(10_000)}\r\n\r\n`),
  "request-timeout": () => bytesToEndpoint("GET / HTTP/1.1\r\n"),
  "not-ready": async () => {
    await using unloaded = await runEndpoint({ loaded: false });
    return await unloaded.istiod("/bundle");
  },
  internal: () =>
    whileDatabase(
      "create trigger broken before insert on event begin select raise(abort, 'broken'); end",
      "drop trigger broken",
      () => register("x", "x.example"),
    ),
  "storage-unavailable": () => whileDatabase("begin immediate", "rollback", () => register("x", "x.example")),
};

/** Rules of names that no request brings yet: their parser is asked. */
const ofParsers: Readonly<Partial<Record<ErrorCode, () => unknown>>> = {
  "invalid-spiffe-id": () => parseSpiffeId("spiffe://Shop.example"),
};

describe("every error of the catalogue is provoked, and told as the catalogue has it", () => {
  const codes = Object.keys(catalogue) as ErrorCode[];

  it("each code has a provocation, and each provocation a code", () => {
    expect([...Object.keys(provocations), ...Object.keys(ofParsers)].sort()).toEqual(codes.toSorted());
  });

  it.each(Object.entries(provocations))("%s", async (code, provoke) => {
    const { status, body } = await provoke();
    const { title, mend, status: declared } = catalogue[code as ErrorCode];
    expect(JSON.parse(body), body).toMatchObject({
      type: `urn:entente:error:${code}`,
      code,
      title,
      status: declared,
      mend,
      detail: expect.stringMatching(/./),
    });
    expect(status).toBe(declared);
  });

  it.each(Object.entries(ofParsers))("%s", (code, parse) => {
    expect(parse).toThrow(expect.objectContaining({ code, name: Refusal.name }));
  });
});
