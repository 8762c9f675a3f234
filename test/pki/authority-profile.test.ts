import { createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { x509Authority } from "../../src/pki/authority-profile.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../src/time.ts";
import { editExtensions, extensionIds, weaklySigned, without } from "../support/certificate-surgery.ts";
import { hostileCertificates } from "../support/hostile-certificates.ts";
import { refusalOf } from "../support/refusal-of.ts";
import { testCa } from "../support/test-ca.ts";
import { testKeyKinds } from "../support/test-keys.ts";

const trustDomain = parseTrustDomain("shop.example");
const now = Date.UTC(2026, 10, 24, 12);
const year = { trustDomain, notBefore: now - HOUR_MS, notAfter: now + 365 * DAY_MS };

const warningsOf = (der: Uint8Array, at = now) => x509Authority(der, trustDomain, at).warnings.map(({ code }) => code);

describe("An authority is accepted", () => {
  test.each(testKeyKinds)("with a key of the kind %s, without a warning (S12)", (kind) => {
    const ca = testCa({ ...year, kind, organization: "Shop" });
    const { authority, warnings } = x509Authority(ca.der, trustDomain, now);
    expect(warnings).toEqual([]);
    expect(authority).toEqual({
      type: "x509",
      fingerprint: ca.certificate.x509.fingerprint256.replaceAll(":", "").toLowerCase(),
      keyFingerprint: ca.certificate.publicKey.fingerprint,
      certificate: Buffer.from(ca.der).toString("base64"),
      jwk: createPublicKey(ca.privateKey).export({ format: "jwk" }),
      subject: "O=Shop, CN=shop.example CA",
      notBefore: year.notBefore,
      notAfter: year.notAfter,
    });
  });

  test("as plain data that survives JSON", () => {
    const authority = testCa(year).authority(now);
    expect(JSON.parse(JSON.stringify(authority))).toEqual(authority);
  });

  test("again in a new certificate of the same key: another fingerprint, the same key fingerprint (R28)", () => {
    const first = testCa(year);
    const second = testCa({ ...year, privateKey: first.privateKey }).authority(now);
    expect(second.fingerprint).not.toBe(first.authority(now).fingerprint);
    expect(second.keyFingerprint).toBe(first.authority(now).keyFingerprint);
  });
});

describe("An authority is refused with the code of the broken rule, where the certificate (S9 to S12, R37, R87, R88)", () => {
  test.each(hostileCertificates(trustDomain, now))("$name: $code", ({ code, der }) => {
    const refusal = refusalOf(() => x509Authority(der, trustDomain, now));
    expect({ code: refusal.code, pointer: refusal.pointer }).toEqual({ code, pointer: undefined });
    expect(refusal.message).toMatch(/^[\x20-\x7e]{10,200}$/);
  });

  test("belongs to another trust domain than it is uploaded to (R88)", () => {
    const refused = refusalOf(() => x509Authority(testCa(year).der, parseTrustDomain("shop"), now));
    expect(refused.code).toBe("certificate-spiffe-id");
  });

  test.each(["shop..example", ".example", "example."])(
    "names the trust domain %s, which is one (R4) and which Go's crypto/x509 reads in no URI name",
    (name) => {
      const ofName = (uris?: string[]) => testCa({ ...year, trustDomain: name, ...(uris ? { uris } : {}) }).der;
      const read = (der: Uint8Array) => x509Authority(der, parseTrustDomain(name), now);
      expect(refusalOf(() => read(ofName())).code).toBe("certificate-spiffe-id");
      expect(read(ofName([])).warnings.map(({ code }) => code)).toEqual(["no-spiffe-id"]);
    },
  );
});

describe("An authority is accepted with a warning, where the certificate", () => {
  const ca = testCa(year);

  test("expires in less than 30 days", () => {
    const ends = { ...year, notAfter: now + 30 * DAY_MS };
    expect(warningsOf(testCa(ends).der)).toEqual([]);
    expect(warningsOf(testCa(ends).der, now + SECOND_MS)).toEqual(["expires-soon"]);
  });

  test("is an intermediate (R34)", () => {
    expect(warningsOf(ca.intermediate(year).der)).toEqual(["not-self-signed"]);
  });

  test("has no SPIFFE ID (R37)", () => {
    expect(warningsOf(testCa({ ...year, uris: [] }).der)).toEqual(["no-spiffe-id"]);
  });

  test.each(["sha1", "md5"] as const)("is a root signed with %s (S12)", (hash) => {
    const { der, privateKey } = testCa({ ...year, kind: "rsa" });
    expect(warningsOf(weaklySigned(der, privateKey, hash))).toEqual(["weak-signature-hash"]);
  });

  test("has no subject key identifier", () => {
    const bare = editExtensions(ca.der, ca.privateKey, without(extensionIds.subjectKeyId));
    expect(warningsOf(bare)).toEqual(["no-subject-key-identifier"]);
  });

  test("has an extended key usage", () => {
    expect(warningsOf(testCa({ ...year, extendedKeyUsage: ["serverAuth"] }).der)).toEqual(["extended-key-usage"]);
  });

  test("is not valid yet: a CA can be prepared", () => {
    expect(warningsOf(testCa({ ...year, notBefore: now + SECOND_MS }).der)).toEqual(["not-yet-valid"]);
  });
});

test("A certificate is accepted until the last second of its validity and refused after it, whatever the clock (R87)", () => {
  const { der, certificate } = testCa(year);
  fc.assert(
    fc.property(fc.integer({ min: -400 * DAY_MS, max: 400 * DAY_MS }), (offset) => {
      const at = certificate.notAfter + offset;
      if (offset <= 0) expect(x509Authority(der, trustDomain, at).authority.notAfter).toBe(certificate.notAfter);
      else expect(refusalOf(() => x509Authority(der, trustDomain, at)).code).toBe("certificate-expired");
    }),
    { examples: [[0], [1]] },
  );
});
