import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import forge from "node-forge";
import type { ErrorCode } from "../../src/errors.ts";
import { type Asn1, decodeDer, sequence, value } from "../../src/pki/der.ts";
import { type CertificateRequest, mintCertificate } from "../../src/pki/mint.ts";
import { spiffeIdOf } from "../../src/spiffe/spiffe-id.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { DAY_MS, type EpochMs, HOUR_MS } from "../../src/time.ts";
import {
  asBer,
  editCertificate,
  editExtensions,
  extension,
  extensionIds,
  offCurve,
  place,
  uncritical,
  unknownCritical,
  weaklySigned,
  without,
} from "./certificate-surgery.ts";
import { sharedTestKey, testKey } from "./test-keys.ts";

const { Type } = forge.asn1;

/** A certificate that is not acceptable as a CA of its trust domain, and the code that says why. */
export interface HostileCertificate {
  /** What is wrong, as the end of a sentence. */
  readonly name: string;
  readonly code: ErrorCode;
  readonly der: Uint8Array;
}

/** For each rule of the authority profile (S9 to S12, R37, R87, R88) a certificate that breaks it at `now`. */
export function hostileCertificates(trustDomainName: string, now: EpochMs): readonly HostileCertificate[] {
  const trustDomain = parseTrustDomain(trustDomainName);
  const own = spiffeIdOf(trustDomain, "");
  const key = testKey("p256");
  const subject = { commonName: `${trustDomain} CA` };
  const requestOf = (privateKey: KeyObject) => ({
    subject,
    serial: randomBytes(16),
    notBefore: now - HOUR_MS,
    notAfter: now + 365 * DAY_MS,
    publicKey: createPublicKey(privateKey),
    issuer: { name: subject, privateKey },
    keyUsage: ["keyCertSign", "cRLSign"] as const,
    uris: [own],
  });
  const ca = (changes: Partial<CertificateRequest> = {}, privateKey = key) =>
    mintCertificate({ ...requestOf(privateKey), ca: {}, ...changes });
  const rsaCa = (bits: number, publicExponent = 65_537) =>
    ca({}, generateKeyPairSync("rsa", { modulusLength: bits, publicExponent }).privateKey);
  const good = ca();
  const withMember = (at: number, member: Asn1) => editCertificate(good, key, (tbs) => tbs.splice(at, 1, member));
  const withSerial = (content: string) => withMember(place.serial, value(Type.INTEGER, content));
  const withExtensions = (edit: (list: Asn1[]) => readonly Asn1[]) => editExtensions(good, key, edit);
  const rsa = sharedTestKey("rsa");
  const intermediate = ca({ issuer: { name: { commonName: "above" }, privateKey: rsa } });
  const withKey = (publicKey: KeyObject) =>
    withMember(place.publicKey, decodeDer(publicKey.export({ type: "spki", format: "der" })));
  const curve = (namedCurve: string, paramEncoding: "named" | "explicit" = "named") =>
    withKey(generateKeyPairSync("ec", { namedCurve, paramEncoding }).publicKey);
  /** Nobody has its private key: of a modulus of this size only the size is looked at. */
  const rsaModulus = (bits: number, e = "AQAB") => {
    const n = Buffer.alloc(bits / 8, 0xff).toString("base64url");
    return withKey(createPublicKey({ format: "jwk", key: { kty: "RSA", n, e } }));
  };

  const made: Partial<Record<ErrorCode, Readonly<Record<string, Uint8Array>>>> = {
    "certificate-not-ca": {
      "is no CA and may sign certificates": editExtensions(good, key, (list) => [
        ...without(extensionIds.basicConstraints)(list),
        extension(extensionIds.basicConstraints, Uint8Array.of(0x30, 0), true),
      ]),
      "is a leaf": mintCertificate({
        ...requestOf(key),
        keyUsage: ["digitalSignature"],
        uris: [spiffeIdOf(trustDomain, "/till")],
      }),
      "has no basic constraints": withExtensions(without(extensionIds.basicConstraints)),
      "has basic constraints that are not critical": withExtensions(uncritical(extensionIds.basicConstraints)),
    },
    "certificate-key-usage": {
      "may not sign certificates": ca({ keyUsage: ["cRLSign", "digitalSignature"] }),
      "has no key usage": withExtensions(without(extensionIds.keyUsage)),
      "has a key usage that is not critical": withExtensions(uncritical(extensionIds.keyUsage)),
    },
    "certificate-expired": { "has expired": ca({ notBefore: now - DAY_MS, notAfter: now - HOUR_MS }) },
    "certificate-validity": {
      "ends before it begins": ca({ notBefore: now + DAY_MS, notAfter: now + HOUR_MS }),
    },
    "certificate-spiffe-id": {
      "has another trust domain's SPIFFE ID": ca({ uris: ["spiffe://elsewhere.example"] }),
      "has a path in its SPIFFE ID": ca({ uris: [spiffeIdOf(trustDomain, "/ca")] }),
      "has two URI names": ca({ uris: [own, own] }),
      "has a URI name that is no SPIFFE ID": ca({ uris: [`https://${trustDomain}`] }),
      "has its SPIFFE ID in upper case": ca({ uris: [own.toUpperCase()] }),
    },
    "certificate-signature-algorithm": {
      "is an intermediate signed with SHA-1": weaklySigned(intermediate, rsa, "sha1"),
      "is an intermediate signed with MD5": weaklySigned(intermediate, rsa, "md5"),
    },
    "certificate-key-not-allowed": {
      "has an RSA key of 1024 bits": rsaCa(1024),
      "has an RSA key of 2050 bits": rsaCa(2050),
      "has an RSA key with the exponent 3": rsaCa(2048, 3),
      "has an RSA key of 8200 bits": rsaModulus(8200),
      "has an RSA key with an even exponent": rsaModulus(2048, "AQAC"),
      "has an RSA key with an exponent that Go does not read": rsaModulus(2048, "gAAAAQ"),
    },
    "certificate-self-signature": {
      "is self-issued and signed by another key": ca({ issuer: { name: subject, privateKey: testKey("p256") } }),
    },
    "certificate-extensions": {
      "has an extension twice": withExtensions((list) => [...list, list[0] as Asn1]),
      "has an unknown critical extension": withExtensions((list) => [...list, unknownCritical()]),
      "has a critical subject key identifier": editExtensions(good, key, (list) => [
        ...without(extensionIds.subjectKeyId)(list),
        extension(extensionIds.subjectKeyId, Uint8Array.of(4, 1, 7), true),
      ]),
    },
    "certificate-serial": {
      "has a negative serial number": withSerial("\xff"),
      "has the serial number zero": withSerial("\0"),
      "has a serial number of 21 octets": withSerial("\x01".repeat(21)),
    },
    "certificate-subject-empty": { "has an empty subject": withMember(place.subject, sequence()) },
    "certificate-not-v3": {
      "has version 1": editCertificate(good, key, (tbs) => {
        tbs.shift();
        tbs.pop();
      }),
    },
    "certificate-not-canonical": { "is BER": asBer(good), "has trailing bytes": Buffer.concat([good, Buffer.of(0)]) },
    "certificate-unreadable": {
      "has a point that is not on its curve": offCurve(good, key),
      "has an Ed448 key": withKey(generateKeyPairSync("ed448").publicKey),
      "has an X25519 key": withKey(generateKeyPairSync("x25519").publicKey),
      "has a DSA key": withKey(generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }).publicKey),
      "has a P-192 key": curve("prime192v1"),
      "has a P-224 key": curve("secp224r1"),
      "has a secp256k1 key": curve("secp256k1"),
      "has a curve by explicit parameters": curve("P-256", "explicit"),
      "is cut short": good.slice(0, -1),
      "is not ASN.1": Buffer.from("not a certificate"),
      "is empty": new Uint8Array(),
    },
  };
  return Object.entries(made).flatMap(([code, certificates]) =>
    Object.entries(certificates).map(([name, der]) => ({ name, code: code as ErrorCode, der })),
  );
}
