import { spawnSync } from "node:child_process";
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomInt } from "node:crypto";
import { fileURLToPath } from "node:url";
import forge from "node-forge";
import { describe, expect, test } from "vitest";
import { isSignedBy, readCertificate } from "../../src/pki/certificate.ts";
import {
  type Asn1,
  bitString,
  contentOf,
  decodeDer,
  encodeDer,
  fromBinary,
  oid,
  sequence,
  sequenceOf,
  value,
} from "../../src/pki/der.ts";
import { MAX_CERTIFICATE_BYTES } from "../../src/pki/pem.ts";
import {
  editCertificate,
  editExtensions,
  extension,
  extensionIds,
  place,
  without,
} from "../support/certificate-surgery.ts";
import { refusalOf } from "../support/refusal-of.ts";
import { testCa } from "../support/test-ca.ts";
import { testKey, testKeyKinds } from "../support/test-keys.ts";

const { Class, Type, create } = forge.asn1;

const ca = testCa({ trustDomain: "shop.example" });
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const refused = (der: Uint8Array) => refusalOf(() => readCertificate(der)).code;
const context = (tag: number, content: string) => create(Class.CONTEXT_SPECIFIC, tag, false, content);
const withExtension = (id: string, content: Asn1, critical = false) =>
  editExtensions(ca.der, ca.privateKey, (list) => [...without(id)(list), extension(id, encodeDer(content), critical)]);
const EC = "1.2.840.10045.2.1";
const P256 = "1.2.840.10045.3.1.7";
const RSA = "1.2.840.113549.1.1.1";
const rsa = testKey("rsa");
const ecKey = (namedCurve: string, paramEncoding: "named" | "explicit") =>
  generateKeyPairSync("ec", { namedCurve, paramEncoding }).privateKey;
const spkiOf = (key: KeyObject) => decodeDer(createPublicKey(key).export({ type: "spki", format: "der" }));
const keyBits = (spki: Asn1) => sequenceOf(spki)[1] as Asn1;
/** X9.62, 4.3.6: both coordinates, and the sign of y in the first octet. */
const hybrid = (spki: Asn1) => {
  const point = fromBinary(contentOf(keyBits(spki), Type.BITSTRING).slice(1));
  return bitString(Uint8Array.of(6 + ((point.at(-1) as number) & 1), ...point.slice(1)));
};
const compressed = (spki: Asn1) => {
  const point = fromBinary(contentOf(keyBits(spki), Type.BITSTRING).slice(1));
  return bitString(Uint8Array.of(2 + ((point.at(-1) as number) & 1), ...point.slice(1, 33)));
};
const withMember = (at: number, member: Asn1) =>
  editCertificate(ca.der, ca.privateKey, (tbs) => {
    tbs[at] = member;
  });
const withKey = (spki: Asn1) => withMember(place.publicKey, spki);
const withEnd = (time: string) =>
  withMember(place.validity, sequence(value(Type.UTCTIME, "260101000000Z"), value(Type.GENERALIZEDTIME, time)));

describe("A certificate is read", () => {
  test.each(testKeyKinds)("with a key of the kind %s as Node reads it", (kind) => {
    const { certificate, der, privateKey } = testCa({ trustDomain: "shop.example", kind });
    const publicKey = createPublicKey(privateKey);
    expect(certificate.fingerprint).toBe(sha256(der));
    expect(certificate.publicKey.fingerprint).toBe(sha256(publicKey.export({ type: "spki", format: "der" })));
    expect(certificate.publicKey.jwk).toEqual(publicKey.export({ format: "jwk" }));
    expect(Buffer.from(certificate.serial).toString("hex")).toBe(certificate.x509.serialNumber.toLowerCase());
    expect(certificate.notBefore).toBe(certificate.x509.validFromDate.getTime());
    expect(certificate.notAfter).toBe(certificate.x509.validToDate.getTime());
    expect(certificate).toMatchObject({ version: 3, selfIssued: true, repeated: [], unknownCritical: [] });
    expect(isSignedBy(certificate, publicKey)).toBe(true);
    expect(isSignedBy(certificate, createPublicKey(ca.privateKey))).toBe(false);
  });

  test("with the hash of its signature", () => {
    const hashes = testKeyKinds.map((kind) => testCa({ trustDomain: "shop.example", kind }).certificate.signatureHash);
    expect(hashes).toEqual(["sha256", "sha256", "sha384", "sha512", "ed25519"]);
  });

  test("with each alternative name under its own kind: a DNS name that looks like a URI is none", () => {
    const names = sequence(
      context(2, "spiffe://shop.example"),
      context(6, "spiffe://shop.example, URI:spiffe://other.example"),
      context(1, "spiffe://mail.example"),
      context(7, "\x7f\0\0\x01"),
    );
    expect(readCertificate(withExtension("2.5.29.17", names)).subjectAltName).toEqual({
      uris: ["spiffe://shop.example, URI:spiffe://other.example"],
      dnsNames: ["spiffe://shop.example"],
      ipAddresses: ["127.0.0.1"],
      others: 1,
    });
  });

  test("with its name constraints (S50)", () => {
    const subtree = (name: Asn1) => create(Class.CONTEXT_SPECIFIC, 0, true, [sequence(name)]);
    expect(
      readCertificate(withExtension("2.5.29.30", sequence(subtree(context(6, "shop.example"))), true)),
    ).toMatchObject({
      nameConstraints: {
        critical: true,
        permitted: { uris: ["shop.example"], others: 0 },
        excluded: { uris: [], others: 0 },
      },
      unknownCritical: [],
    });
  });

  test("with its names in one line that cannot pretend to be other names (S6)", () => {
    const commonName = "a, O=Bank\nO=Bank\u202e\u2028\0";
    expect(testCa({ trustDomain: "shop.example", commonName }).certificate.subject).toBe(
      "CN=a\\, O=Bank\\0AO=Bank\\u{202e}\\u{2028}\\00",
    );
  });

  test("from bytes of which it keeps a copy", () => {
    const bytes = Uint8Array.from(ca.der);
    const certificate = readCertificate(bytes);
    bytes.fill(0);
    expect(certificate.der).toEqual(ca.der);
  });
});

describe("A certificate cannot be read (S9, S11), where", () => {
  const rsaPss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey;
  const p256 = sequence(oid(EC), oid(P256));

  test.each([
    ["it is larger than 16 KiB", "16384 bytes", new Uint8Array(MAX_CERTIFICATE_BYTES + 1)],
    ["it is nested without end", "not ASN.1", Uint8Array.from({ length: 16_000 }, (_, at) => (at % 2 ? 0x80 : 0x30))],
    ["its key is an RSA-PSS key", "key algorithm", withKey(spkiOf(rsaPss))],
    [
      "its RSA key lacks the NULL that Go wants",
      "missing",
      withKey(sequence(sequence(oid(RSA)), keyBits(spkiOf(rsa)))),
    ],
    ["its curve is given by explicit parameters", "missing", withKey(spkiOf(ecKey("P-256", "explicit")))],
    ["its curve is secp256k1", "none of P-256", withKey(spkiOf(ecKey("secp256k1", "named")))],
    ["its curve point is compressed", "not uncompressed", withKey(sequence(p256, compressed(spkiOf(ca.privateKey))))],
    ["its curve point is hybrid", "not uncompressed", withKey(sequence(p256, hybrid(spkiOf(ca.privateKey))))],
    ["its key is no bits at all", "not uncompressed", withKey(sequence(p256, value(Type.BITSTRING, "\0")))],
    [
      "an identifier in it is endless",
      "too long",
      withExtension("2.5.29.37", sequence(value(Type.OID, "+".repeat(41)))),
    ],
    ["its two signature algorithms differ", "differ", withMember(2, sequence(oid("1.2.840.10045.4.3.3")))],
    ["a name in it is no general name", "a name", withExtension("2.5.29.17", sequence(value(Type.UTF8, "spiffe://x")))],
    [
      "its basic constraints are a text",
      "sequence",
      withExtension(extensionIds.basicConstraints, value(Type.UTF8, "CA")),
    ],
    ["its key usage is a number", "type 3", withExtension(extensionIds.keyUsage, value(Type.INTEGER, "\x04"))],
    ["it is valid until 30 February", "two times", withEnd("20270230000000Z")],
    ["it is valid until a time of another zone", "two times", withEnd("20270228000000+0100")],
  ])("%s", (_, why, der) => {
    const refusal = refusalOf(() => readCertificate(der));
    expect(refusal.code).toBe("certificate-unreadable");
    expect(refusal.message).toMatch(/^The certificate cannot be read: /);
    expect(refusal.message).toContain(why);
  });

  test("a boolean in it is neither true nor false: not canonical (S9)", () => {
    const constraints = sequence(value(Type.BOOLEAN, "\x01"));
    expect(refused(withExtension(extensionIds.basicConstraints, constraints))).toBe("certificate-not-canonical");
  });

  test.each([
    ["bytes after its value", Uint8Array.of(4, 1, 7, 0)],
    ["a value in BER", Uint8Array.of(4, 0x81, 1, 7)],
  ])("an extension has %s: not canonical (S9)", (_, content) => {
    const edited = editExtensions(ca.der, ca.privateKey, (list) => [
      ...without(extensionIds.subjectKeyId)(list),
      extension(extensionIds.subjectKeyId, content, false),
    ]);
    expect(refused(edited)).toBe("certificate-not-canonical");
  });
});

test("3,000 byte mutants of certificates of all key kinds are read or refused, and crash nothing (S10, S11)", () => {
  const seed = randomInt(2 ** 31);
  const child = spawnSync(process.execPath, [fileURLToPath(new URL("mutants.ts", import.meta.url)), `${seed}`, "600"], {
    encoding: "utf8",
  });
  expect({ seed, signal: child.signal, status: child.status, stderr: child.stderr }).toEqual({
    seed,
    signal: null,
    status: 0,
    stderr: "",
  });
  const outcomes: Record<string, number> = JSON.parse(child.stdout);
  expect(Object.values(outcomes).reduce((sum, count) => sum + count)).toBe(3000);
  expect(Object.keys(outcomes)).toEqual(
    expect.arrayContaining(["certificate-unreadable", "certificate-not-canonical", "certificate-self-signature"]),
  );
});
