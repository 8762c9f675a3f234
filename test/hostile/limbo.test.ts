import { expect, it } from "vitest";
import { x509Authority } from "../../src/pki/authority-profile.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { editExtensions, extensionIds, without } from "../support/certificate-surgery.ts";
import { hostileCertificates } from "../support/hostile-certificates.ts";
import { refusalOf } from "../support/refusal-of.ts";
import { testCa } from "../support/test-ca.ts";

const trustDomain = parseTrustDomain("shop.example");
const now = Date.now();
const minted = new Map(hostileCertificates(trustDomain, now).map((hostile) => [hostile.name, hostile]));

/** Of x509-limbo, the cases that are about a root: an importer takes roots (S12). Our certificate, and the code. */
it.each([
  ["rfc5280::root-missing-basic-constraints", "certificate-not-ca", "has no basic constraints"],
  ["rfc5280::root-non-critical-basic-constraints", "certificate-not-ca", "has basic constraints that are not critical"],
  ["rfc5280::root-inconsistent-ca-extensions", "certificate-not-ca", "is no CA and may sign certificates"],
  ["rfc5280::ca-empty-subject", "certificate-subject-empty", "has an empty subject"],
  ["rfc5280::duplicate-extensions", "certificate-extensions", "has an extension twice"],
  ["rfc5280::unknown-critical-extension-root", "certificate-extensions", "has an unknown critical extension"],
  ["rfc5280::serial::too-long", "certificate-serial", "has a serial number of 21 octets"],
  ["rfc5280::serial::zero", "certificate-serial", "has the serial number zero"],
  ["rfc5280::serial::negative", "certificate-serial", "has a negative serial number"],
  ["webpki::explicit-curve", "certificate-unreadable", "has a curve by explicit parameters"],
  ["webpki::forbidden-p192-root", "certificate-unreadable", "has a P-192 key"],
  ["webpki::forbidden-dsa-root", "certificate-unreadable", "has a DSA key"],
  ["webpki::forbidden-weak-rsa-key-in-root", "certificate-key-not-allowed", "has an RSA key of 1024 bits"],
  ["webpki::forbidden-rsa-not-divisible-by-8-in-root", "certificate-key-not-allowed", "has an RSA key of 2050 bits"],
  ["webpki::v1-cert", "certificate-not-v3", "has version 1"],
  ["pathological::expired-root", "certificate-expired", "has expired"],
])("S12: %s is refused: %s, for it %s", (_limbo, code, name) => {
  const der = minted.get(name)?.der as Uint8Array;
  expect(refusalOf(() => x509Authority(der, trustDomain, now)).code).toBe(code);
});

it("S12: rfc5280::ski::root-missing-ski and webpki::eku::root-has-eku are warned of", () => {
  const ca = testCa({ trustDomain, extendedKeyUsage: ["serverAuth"] });
  const der = editExtensions(ca.der, ca.privateKey, without(extensionIds.subjectKeyId));
  const codes = x509Authority(der, trustDomain, now).warnings.map(({ code }) => code);
  expect(codes).toEqual(["no-subject-key-identifier", "extended-key-usage"]);
});
