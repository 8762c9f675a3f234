import { constants, createPublicKey, type KeyObject, sign } from "node:crypto";
import fc from "fast-check";
import { CompactSign, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import type { Contribution } from "../../../src/features/authorities/contribution.ts";
import {
  checkProof,
  newChallenge,
  type Proof,
  provenId,
  requireOpen,
  signedText,
} from "../../../src/features/authorities/proof.ts";
import type { Authority } from "../../../src/pki/authority.ts";
import { jwtAuthority } from "../../../src/pki/jwt-key.ts";
import { pemOf } from "../../../src/pki/pem.ts";
import { parseSpiffeId } from "../../../src/spiffe/spiffe-id.ts";
import { parseTrustDomain } from "../../../src/spiffe/trust-domain.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../src/time.ts";
import { eventualRefusalOf, refusalOf } from "../../support/refusal-of.ts";
import { type TestCa, testCa } from "../../support/test-ca.ts";
import { type TestKeyKind, testKey, testKeyKinds } from "../../support/test-keys.ts";

const trustDomain = parseTrustDomain("shop.example");
const now = Date.now();
const challenge = newChallenge((bytes) => new Uint8Array(bytes).fill(7), now);
const contributionOf = (authority: Authority, state: Contribution["state"] = "active"): Contribution => ({
  known: { authorityId: "aut_1", trustDomain, authority, createdAt: 0, revokedAt: null, revokedReason: null },
  source: { kind: "mesh", id: "shop" },
  state,
  createdAt: 0,
  changedAt: 0,
  reason: null,
  provedAt: null,
});
const newCa = (options: Partial<Parameters<typeof testCa>[0]> = {}) => testCa({ trustDomain, ...options });
const spiffeId = provenId(contributionOf(newCa().authority()), challenge);

const check = (of: Contribution, proof: Proof) => checkProof(of, challenge, proof, now);
const fault = (of: Contribution, proof: Proof) => eventualRefusalOf(() => check(of, proof));

describe("a challenge", () => {
  it("is a SPIFFE ID of the trust domain, whatever the nonce (R5 to R9)", () => {
    const anyBytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const { nonce } = newChallenge(() => bytes, 0);
        expect(Buffer.from(nonce, "base64url")).toEqual(Buffer.from(bytes));
        const id = provenId(contributionOf(newCa().authority()), { nonce, expiresAt: 0 });
        expect(parseSpiffeId(id)).toBe(`spiffe://shop.example/entente/proof/${nonce}`);
      }),
      { numRuns: 50 },
    );
  });

  it("is open for an hour, to the millisecond", () => {
    expect(requireOpen(challenge, now + HOUR_MS - 1)).toBe(challenge);
    for (const late of [HOUR_MS, DAY_MS])
      expect(refusalOf(() => requireOpen(challenge, now + late))).toMatchObject({ code: "proof-challenge-expired" });
    expect(refusalOf(() => requireOpen(undefined, now))).toMatchObject({ code: "proof-challenge-expired" });
  });
});

describe("a certificate proves the authority that issued it", () => {
  const ca = newCa();
  const ours = contributionOf(ca.authority());
  const pemOfLeaf = (issuer: TestCa = ca, options = {}) => issuer.issueSvid(spiffeId, options).certificatePem;

  it.each(testKeyKinds)("directly, with a CA key of kind %s", async (kind) => {
    const other = newCa({ kind });
    await check(contributionOf(other.authority()), { certificate: pemOfLeaf(other) });
  });

  it("through intermediates that follow in the PEM, the authority's own certificate among them or not", async () => {
    const certificate = pemOfLeaf(ca.intermediate({ uris: [] }).intermediate());
    await check(ours, { certificate });
    await check(ours, { certificate: certificate + ca.certificatePem });
  });

  it("but a claim only directly: whoever has an intermediate below a shared root does not hold the root's key", async () => {
    const claim = contributionOf(ca.authority(), "claimed");
    await check(claim, { certificate: pemOfLeaf() });
    const refused = await fault(claim, { certificate: pemOfLeaf(ca.intermediate()) });
    expect(refused).toMatchObject({ code: "proof-failed", message: expect.stringMatching(/the key itself/) });
  });

  it.each<[string, () => string, RegExp]>([
    ["of another CA", () => pemOfLeaf(newCa()), /was not issued by the authority/],
    [
      "of another CA with the same name",
      () => pemOfLeaf(newCa({ commonName: "shop.example CA" })),
      /was not issued by the authority/,
    ],
    ["that is the authority itself", () => ca.certificatePem, /own certificate/],
    ["for another nonce", () => ca.issueSvid("/entente/proof/AAAA").certificatePem, /URI name must be/],
    [
      "for another trust domain",
      () => ca.issueSvid(spiffeId.replace("shop", "bank")).certificatePem,
      /URI name must be/,
    ],
    [
      "with a second URI (R39)",
      () => ca.issueLeaf({ uris: [spiffeId, "spiffe://shop.example/x"] }).certificatePem,
      /and it has 2/,
    ],
    ["without a URI", () => ca.issueLeaf({ uris: [] }).certificatePem, /and it has 0/],
    ["that has expired", () => pemOfLeaf(ca, { notAfter: now - MINUTE_MS }), /the certificate expired/],
    [
      "that is not valid yet",
      () => pemOfLeaf(ca, { notBefore: now + HOUR_MS, notAfter: now + DAY_MS }),
      /is not valid before/,
    ],
    ["that is a CA (R40)", () => ca.intermediate({ uris: [spiffeId] }).certificatePem, /that of a CA/],
    ["whose intermediate is missing", () => pemOf(ca.intermediate().issueSvid(spiffeId).der), /was not issued by/],
    [
      "below a path length of 0",
      () => pemOfLeaf(ca.intermediate({ pathLength: 0 }).intermediate({ commonName: "lower" })),
      /allows 0 intermediates/,
    ],
    [
      "below an intermediate that has expired",
      () => pemOfLeaf(ca.intermediate({ notAfter: now - MINUTE_MS })),
      /intermediate 1 expired/,
    ],
  ])("not one %s", async (_, certificate, message) => {
    expect(await fault(ours, { certificate: certificate() })).toMatchObject({
      code: "proof-failed",
      pointer: "/certificate",
      message: expect.stringMatching(message),
    });
  });

  it("nor one that a leaf issued: a workload of the mesh is not its CA", async () => {
    const leaf = ca.issueSvid("/till");
    const forged = testCa({ trustDomain, privateKey: leaf.privateKey, commonName: "workload" }).issueSvid(spiffeId);
    const refused = await fault(ours, { certificate: forged.certificatePem + leaf.certificatePem });
    expect(refused).toMatchObject({
      code: "proof-failed",
      message: expect.stringMatching(/was not issued by intermediate 1/),
    });
  });

  it("nor one of a CA that is valid later: its key can sign instead", async () => {
    const later = contributionOf(newCa({ notBefore: now + HOUR_MS, notAfter: now + DAY_MS }).authority());
    const refused = await fault(later, { certificate: pemOfLeaf(newCa()) });
    expect(refused.code).toBe("proof-failed");
  });

  it.each([
    ["invalid-pem", "", undefined],
    ["private-key-submitted", ca.keyPem, 1],
    ["invalid-pem", `${pemOfLeaf()}text`, 2],
    ["certificate-unreadable", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", 1],
  ])("S8 to S11 hold for it: %s", async (code, certificate, block) => {
    const extra = block === undefined ? {} : { block };
    expect(await fault(ours, { certificate })).toMatchObject({ code, pointer: "/certificate", extra });
  });
});

describe("a signature over the signed text proves the key that made it", () => {
  const authorityOf = (privateKey: KeyObject) => contributionOf(newCa({ privateKey }).authority());
  const made = (key: KeyObject, hash: string | null, options: object, text: string) =>
    sign(hash, Buffer.from(text), { key, ...options }).toString("base64url");
  const ways: [string, TestKeyKind, string | null, object][] = [
    ["RSA PKCS #1 v1.5", "rsa", "sha256", {}],
    ["RSA PSS", "rsa", "sha256", { padding: constants.RSA_PKCS1_PSS_PADDING }],
    ["P-256 in DER", "p256", "sha256", {}],
    ["P-256 in IEEE P1363", "p256", "sha256", { dsaEncoding: "ieee-p1363" }],
    ["P-384 with SHA-256", "p384", "sha256", {}],
    ["P-384 with SHA-384 in IEEE P1363", "p384", "sha384", { dsaEncoding: "ieee-p1363" }],
    ["P-521 with SHA-512", "p521", "sha512", {}],
    ["Ed25519", "ed25519", null, {}],
  ];

  it.each(ways)("%s", async (_, kind, hash, options) => {
    const key = testKey(kind);
    const ours = authorityOf(key);
    const text = signedText(ours, challenge);
    expect(text).toBe(`entente-proof:shop.example:${ours.known.authority.fingerprint}:${challenge.nonce}`);
    await check(ours, { signature: made(key, hash, options, text) });
    for (const signature of [
      made(key, hash, options, text.replace("shop", "bank")),
      made(key, hash, options, text.slice(0, -1)),
      made(testKey(kind), hash, options, text),
      "AAAA",
    ])
      expect(await fault(ours, { signature })).toMatchObject({ code: "proof-failed", pointer: "/signature" });
  });

  it("not with SHA-1", async () => {
    const key = testKey("rsa");
    const ours = authorityOf(key);
    const signature = made(key, "sha1", {}, signedText(ours, challenge));
    expect(await fault(ours, { signature })).toMatchObject({ code: "proof-failed" });
  });
});

describe("a token proves a JWT signing key", async () => {
  const key = testKey("p256");
  const ours = contributionOf(await jwtAuthority({ ...createPublicKey(key).export({ format: "jwk" }), kid: "signer" }));
  const header = { alg: "ES256", kid: "signer" };
  const svid = (claims: object = {}, more: object = {}, by = key) =>
    new SignJWT({ sub: spiffeId, aud: ["entente"], exp: Math.floor(now / 1000) + 300, ...claims })
      .setProtectedHeader({ ...header, typ: "JWT", ...more })
      .sign(by);
  const jws = (text: string, more: object = {}, by = key) =>
    new CompactSign(Buffer.from(text)).setProtectedHeader({ ...header, ...more }).sign(by);

  it("as a JWS of the signed text, or as a JWT-SVID for the challenge's SPIFFE ID", async () => {
    await check(ours, { jws: await jws(signedText(ours, challenge)) });
    await check(ours, { jws: await svid() });
    const ca = newCa({ kind: "rsa" });
    const x509 = contributionOf(ca.authority());
    await check(x509, { jws: await jws(signedText(x509, challenge), { alg: "PS256" }, ca.privateKey) });
  });

  it.each<[string, () => Promise<string>]>([
    ["of another text", () => jws(`${signedText(ours, challenge)} `)],
    ["of another key", () => svid({}, {}, testKey("p256"))],
    ["with another kid", () => svid({}, { kid: "other" })],
    ["with a key of its own in the header (S29)", () => svid({}, { jwk: { kty: "EC" } })],
    ["of another type (S29)", () => svid({}, { typ: "at+jwt" })],
    ["for another subject", () => svid({ sub: "spiffe://shop.example/till" })],
    ["without an audience", () => svid({ aud: undefined })],
    ["without an expiry", () => svid({ exp: undefined })],
    ["that has expired", () => svid({ exp: Math.floor(now / 1000) - 61 })],
    ["that lives for longer than an hour", () => svid({ exp: Math.floor(now / 1000) + 3_700 })],
    ["that is none", async () => "a.b.c"],
    [
      "without a signature",
      async () => `${Buffer.from('{"alg":"none"}').toString("base64url")}.${(await svid()).split(".")[1]}.`,
    ],
  ])("not one %s", async (_, token) => {
    expect(await fault(ours, { jws: await token() })).toMatchObject({ code: "proof-failed", pointer: "/jws" });
  });

  it("and a JWT signing key issues no certificates", async () => {
    const { certificatePem } = newCa().issueSvid(spiffeId);
    expect(await fault(ours, { certificate: certificatePem })).toMatchObject({ code: "proof-failed" });
  });
});
