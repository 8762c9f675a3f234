import { createPublicKey } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { certificatesFromPem, pemOf } from "../../src/pki/pem.ts";
import { DAY_MS } from "../../src/time.ts";
import { hostileCertificates } from "../support/hostile-certificates.ts";
import { expectStatus, registerMesh, runBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { testKey } from "../support/test-keys.ts";
import { bareMesh, refused, UNLIMITED, upload } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const mesh = await registerMesh(broker, "shop");

const send = (body: object, to: { meshId: string; token: string } = mesh) =>
  broker.api("POST", `/v1/meshes/${to.meshId}/authorities`, { token: to.token, body });
const newCa = (options = {}) => testCa({ trustDomain: mesh.trustDomain, ...options });
const derOf = (pem: string) => certificatesFromPem(pem)[0] as Uint8Array;
const served = async () => (await broker.pollWeb(`/p/${mesh.pollerToken}/${mesh.trustDomain}`)).body;
const listed = async () => {
  const path = `/v1/meshes/${mesh.meshId}/authorities?limit=1000`;
  return (await expectStatus(200, broker.api("GET", path, { token: mesh.token }))).text;
};
const jwkOf = () => createPublicKey(testKey("p256")).export({ format: "jwk" });
const x509Entry = ({ der, privateKey } = newCa()) => ({
  use: "x509-svid",
  ...createPublicKey(privateKey).export({ format: "jwk" }),
  x5c: [Buffer.from(der).toString("base64")],
});
const codes = ({ warnings }: { warnings: { code: string; pointer: string; block?: number }[] }) =>
  warnings.map(({ code, pointer, block }) => [code, pointer, block ?? []].flat().join(" "));

describe("a certificate that breaks a rule is refused with the rule's code and the block's place, and changes nothing", () => {
  const good = newCa().certificatePem;

  it.each(hostileCertificates(mesh.trustDomain, Date.now()).filter(({ der }) => der.length > 0))(
    "S9 to S12: one that $name",
    async ({ code, der }) => {
      const before = [await served(), await listed()];
      const { body } = await refused(code, send({ pem: good + pemOf(der) }));
      expect(body).toMatchObject({ pointer: "/pem", block: 2 });
      expect([await served(), await listed()]).toEqual(before);
    },
  );

  it.each(hostileCertificates(mesh.trustDomain, Date.now()).filter(({ der }) => der.length > 0))(
    "in a bundle it refuses the whole: one that $name",
    async ({ code, der }) => {
      const x5c = [Buffer.from(der).toString("base64")];
      const entry = { use: "x509-svid", kty: "EC", x5c };
      const { body } = await refused(code, send({ bundle: { keys: [x509Entry(), entry] } }));
      expect(body.pointer).toMatch(/^\/bundle\/keys\/1/);
    },
  );

  it("S8: PEM is strict: other labels, text between blocks, an empty block, no block, more than 20", async () => {
    const block = newCa().certificatePem;
    for (const pem of [
      "",
      "hello",
      `# comment\n${block}`,
      `${block}between\n${newCa().certificatePem}`,
      block.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE"),
      block.replace("-----END CERTIFICATE-----", ""),
      pemOf(new Uint8Array()),
      block.repeat(21),
    ])
      expect((await refused("invalid-pem", send({ pem }))).body.pointer).toBe("/pem");
  });

  it("S8, S13, R85: a private key anywhere is refused whole, and said nothing more of", async () => {
    const { keyPem, certificatePem, privateKey } = newCa();
    const secret = privateKey.export({ format: "jwk" });
    const inPem = await refused("private-key-submitted", send({ pem: certificatePem + keyPem }));
    expect(inPem.body).toMatchObject({ pointer: "/pem", block: 2 });
    const inJwk = await refused("private-key-submitted", send({ jwk: { ...secret, kid: "k" } }));
    expect(inJwk.body.pointer).toBe("/jwk/d");
    const entry = { use: "jwt-svid", kid: "k", ...secret };
    const inBundle = await refused("private-key-submitted", send({ bundle: { keys: [x509Entry(), entry] } }));
    expect(inBundle.body.pointer).toBe("/bundle/keys/1/d");
    const hidden = await refused(
      "private-key-submitted",
      send({ bundle: { keys: [], x: { y: { k: "c2VjcmV0" }, kty: "oct" } } }),
    );
    for (const { text } of [inPem, inJwk, inBundle, hidden]) expect(text).not.toContain(String(secret.d));
  });
});

describe("three ways to bring authorities", () => {
  it("PEM with several blocks of several kinds, each in its place", async () => {
    const kinds = ["rsa", "p384", "p521", "ed25519"] as const;
    const { authorities, warnings } = await upload(
      broker,
      mesh,
      kinds.map((kind) => newCa({ kind }).certificatePem).join("\n"),
    );
    expect(warnings).toEqual([]);
    expect(authorities.map(({ keyType }: { keyType: string }) => keyType)).toEqual([
      "RSA",
      "P-384",
      "P-521",
      "Ed25519",
    ]);
    for (const { type, state } of authorities) expect([type, state]).toEqual(["x509", "prepared"]);
  });

  it("R43, R47: a JWT signing key as a JWK, served to those that may verify JWT-SVIDs", async () => {
    const { body } = await expectStatus(201, send({ jwk: { ...jwkOf(), kid: "signer" } }));
    expect(body.authorities).toMatchObject([{ type: "jwt", keyId: "signer", keyType: "P-256", notAfter: null }]);
    const entries = JSON.parse(await served()).keys.filter(({ use }: { use: string }) => use === "jwt-svid");
    expect(entries).toMatchObject([{ kid: "signer", kty: "EC" }]);
    await refused("jwk-key-id", send({ jwk: jwkOf() }));
    await refused("invalid-jwk", send({ jwk: { ...jwkOf(), kid: "broken", x: "AAAA" } }));
    await refused("jwk-not-allowed", send({ jwk: { ...jwkOf(), kid: "enc", use: "enc" } }));
    await refused("jwk-not-allowed", send({ jwk: { kty: "OKP", crv: "Ed25519", x: "AAAA", kid: "ed" } }));
  });

  it("a whole bundle: sequence and hint are noted, not used; what is unknown is ignored with a warning (R20)", async () => {
    const ca = newCa();
    const keys = [x509Entry(ca), { kty: "future", use: "x509-svid" }, { ...jwkOf(), use: "wit-svid", kid: "w" }];
    const bundle = { spiffe_sequence: 7, spiffe_refresh_hint: 11, keys, extra: true };
    const { body } = await expectStatus(201, send({ bundle, state: "active" }));
    expect(body.authorities).toMatchObject([{ type: "x509", state: "active" }]);
    expect(codes(body)).toEqual(["entry-ignored /bundle/keys/1", "entry-ignored /bundle/keys/2"]);
    const document = JSON.parse(await served());
    expect(document.spiffe_refresh_hint).toBe(300);
    expect(document.spiffe_sequence).not.toBe(7);
    expect(document.keys.map(({ x5c }: { x5c?: string[] }) => x5c?.[0])).toContain(
      Buffer.from(ca.der).toString("base64"),
    );
  });

  it("any other fault refuses the whole bundle", async () => {
    await refused("invalid-bundle", send({ bundle: {} }));
    await refused("invalid-bundle", send({ bundle: { keys: null } }));
    await refused("invalid-bundle", send({ bundle: { keys: [], spiffe_sequence: 1.5 } }));
    await refused("nothing-to-register", send({ bundle: { keys: [] } }));
    const { body } = await refused("nothing-to-register", send({ bundle: { keys: [{ kty: "EC", x5c: ["AA=="] }] } }));
    expect(body.detail).toContain("/bundle/keys/0: The entry is ignored: It has no `use`");
    await refused("bundle-entry", send({ bundle: { keys: [x509Entry(), "text"] } }));
    await refused("bundle-too-large", send({ bundle: { keys: Array(101).fill({ kty: "future" }) } }));
    const other = x509Entry();
    await refused("x5c-mismatch", send({ bundle: { keys: [{ ...x509Entry(), x5c: other.x5c }] } }));
  });

  it("exactly one of them, and nothing beside it", async () => {
    const pem = newCa().certificatePem;
    await refused("invalid-request", send({}));
    await refused("invalid-request", send({ pem, jwk: jwkOf() }));
    expect((await refused("invalid-request", send({ pem, pems: pem }))).body.pointer).toBe("/pems");
    await refused("invalid-request", send({ pem, state: "retired" }));
  });

  it("S1: may be up to 1 MiB large, and no larger", async () => {
    await refused("invalid-pem", send({ pem: " ".repeat(900_000) }));
    await refused("body-too-large", send({ pem: " ".repeat(1_048_600) }));
  });
});

describe("success comes with warnings of what will not last or not suit everybody", () => {
  it("expires soon, not yet valid, not self-signed, no SPIFFE ID, an extended key usage", async () => {
    const soon = newCa({ notAfter: Date.now() + DAY_MS });
    const later = newCa({ notBefore: Date.now() + DAY_MS });
    const below = newCa().intermediate();
    const nameless = newCa({ uris: [] });
    const limited = newCa({ extendedKeyUsage: ["serverAuth"] });
    const certificates = [soon, later, below, nameless, limited].map(({ certificatePem }) => derOf(certificatePem));
    const told = await upload(broker, mesh, certificates.map(pemOf).join(""));
    expect(codes(told)).toEqual([
      "expires-soon /pem 1",
      "not-yet-valid /pem 2",
      "not-self-signed /pem 3",
      "no-spiffe-id /pem 4",
      "extended-key-usage /pem 5",
    ]);
  });

  it("the same certificate twice in one upload is one authority and a warning", async () => {
    const pem = newCa().certificatePem;
    const told = await upload(broker, mesh, pem + pem);
    expect(told.authorities).toHaveLength(1);
    expect(codes(told)).toEqual(["duplicate-entry /pem 2"]);
  });
});

describe("what is known already", () => {
  it("the same certificate from the same mesh again is a 409 in every state; the same key in a new one is fine", async () => {
    const ca = newCa();
    const [{ authorityId }] = (await upload(broker, mesh, ca.certificatePem)).authorities;
    const again = () => refused("authority-exists", send({ pem: newCa().certificatePem + ca.certificatePem }));
    expect((await again()).body).toMatchObject({ pointer: "/pem", block: 2 });
    for (const to of ["active", "retiring", "retired", "revoked"]) {
      expect((await again()).body.authorityId).toBe(authorityId);
      const path = `/v1/meshes/shop/authorities/${authorityId}/transitions`;
      await expectStatus(200, broker.api("POST", path, { token: mesh.token, body: { to } }));
    }
    expect((await again()).body.detail).toMatch(/which is revoked$/);
    const fresh = newCa();
    const renewed = newCa({ privateKey: fresh.privateKey, commonName: "renewed" });
    await upload(broker, mesh, fresh.certificatePem);
    const { authorities } = await upload(broker, mesh, renewed.certificatePem);
    expect(authorities).toHaveLength(1);
  });

  it("one of several that is known refuses the whole upload", async () => {
    const known = newCa();
    await upload(broker, mesh, known.certificatePem);
    const before = await listed();
    await refused("authority-exists", send({ pem: newCa().certificatePem + known.certificatePem }));
    expect(await listed()).toBe(before);
  });

  it("R43: a kid is taken once a domain, also by another mesh's key or one that is retired", async () => {
    const guest = await bareMesh(broker, "shop-2", mesh.trustDomain);
    const grant = { meshId: "shop-2", decision: "grant" };
    const path = `/v1/trust-domains/${mesh.trustDomain}/memberships`;
    await expectStatus(200, broker.api("POST", path, { token: mesh.token, body: grant }));
    await expectStatus(201, send({ jwk: { ...jwkOf(), kid: "mine" } }));
    const taken = await refused("key-id-taken", send({ jwk: { ...jwkOf(), kid: "mine" } }));
    expect(taken.body.pointer).toBe("/jwk");
    await refused("key-id-taken", send({ jwk: { ...jwkOf(), kid: "mine" } }, guest));
    const stranger = await bareMesh(broker, "elsewhere");
    await expectStatus(201, send({ jwk: { ...jwkOf(), kid: "mine" } }, stranger));
  });

  it("R28, R91, S21: a key known in another trust domain is a 409 that does not say which; an operator may allow it", async () => {
    const other = await bareMesh(broker, "copycat");
    const original = newCa();
    await upload(broker, mesh, original.certificatePem);
    const copy = testCa({ trustDomain: other.trustDomain, privateKey: original.privateKey });
    const pem = copy.certificatePem;
    const { text, body } = await refused("key-known-elsewhere", send({ pem }, other));
    expect(text).not.toContain("shop");
    expect(body).toMatchObject({ pointer: "/pem", block: 1 });

    const allow = (body: object, token = broker.operatorToken) =>
      broker.api("POST", "/v1/shared-key-allowances", { token, body });
    const pair = { trustDomains: [other.trustDomain, mesh.trustDomain], reason: "one root for both" };
    await refused("forbidden", allow(pair, other.token));
    await refused("invalid-request", allow({ trustDomains: pair.trustDomains }));
    await refused("invalid-request", allow({ trustDomains: [other.trustDomain, other.trustDomain], reason: "x" }));
    const wrongKey = await expectStatus(201, allow({ ...pair, keyFingerprint: "0".repeat(64) }));
    await refused("key-known-elsewhere", send({ pem }, other));
    const { keyFingerprint } = original.authority();
    const allowed = await expectStatus(201, allow({ ...pair, keyFingerprint }));
    await expectStatus(201, send({ pem }, other));
    for (const { headers } of [wrongKey, allowed]) {
      const token = broker.operatorToken;
      await expectStatus(200, broker.api("GET", String(headers.location), { token }));
      await expectStatus(200, broker.api("DELETE", String(headers.location), { token }));
      await refused("not-found", broker.api("GET", String(headers.location), { token }));
    }
    const later = testCa({ trustDomain: other.trustDomain, privateKey: original.privateKey, commonName: "later" });
    await refused("key-known-elsewhere", send({ pem: later.certificatePem }, other));
  });
});
