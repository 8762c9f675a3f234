import { createHash, createPublicKey, type KeyObject, sign } from "node:crypto";
import forge from "node-forge";
import type { EpochMs } from "../time.ts";
import type { Certificate } from "./certificate.ts";
import type { KeyUsage } from "./certificate-extensions.ts";
import { type Asn1, bitString, contentOf, decodeDer, encodeDer, sequence, sequenceOf, toBinary, value } from "./der.ts";
import { describePublicKey } from "./public-key.ts";
import { signingAlgorithms } from "./signature-algorithm.ts";

const { Class, Type, create } = forge.asn1;

export interface DistinguishedName {
  readonly commonName: string;
  readonly organization?: string;
}

export type ExtendedKeyUsage = "serverAuth" | "clientAuth";

export interface CertificateRequest {
  readonly subject: DistinguishedName;
  /** 1 to 20 random octets; the first two bits are set to 01, so that it is positive, not zero and minimal. */
  readonly serial: Uint8Array;
  /** Cut to whole seconds. */
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
  /** RSA, P-256, P-384, P-521 or Ed25519. */
  readonly publicKey: KeyObject;
  /** A root names itself as its issuer and signs with its own key. */
  readonly issuer: { readonly name: DistinguishedName | Certificate; readonly privateKey: KeyObject };
  /** Absent for a leaf. */
  readonly ca?: { readonly pathLength?: number };
  readonly keyUsage: readonly KeyUsage[];
  readonly extendedKeyUsage?: readonly ExtendedKeyUsage[];
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/**
 * Issues an X.509 version 3 certificate (RFC 5280) and returns its DER. Key usage and basic constraints are critical
 * (R37, R41); subject and authority key identifiers are always set.
 */
export function mintCertificate(request: CertificateRequest): Uint8Array {
  const { issuer } = request;
  const algorithm = signingAlgorithms[describePublicKey(createPublicKey(issuer.privateKey)).kind];
  const tbs = sequence(
    create(Class.CONTEXT_SPECIFIC, 0, true, [value(Type.INTEGER, "\x02")]),
    value(Type.INTEGER, serialContent(request.serial)),
    algorithm.identifier,
    "subjectName" in issuer.name ? decodeDer(issuer.name.subjectName) : nameToAsn1(issuer.name),
    sequence(timeToAsn1(request.notBefore), timeToAsn1(request.notAfter)),
    nameToAsn1(request.subject),
    decodeDer(request.publicKey.export({ type: "spki", format: "der" })),
    extensionsToAsn1(request),
  );
  const signature = sign(algorithm.hash, encodeDer(tbs), issuer.privateKey);
  return encodeDer(sequence(tbs, algorithm.identifier, bitString(signature)));
}

function serialContent(serial: Uint8Array): string {
  const [first = 0, ...rest] = serial;
  return String.fromCharCode(0x40 | (first & 0x3f), ...rest);
}

function nameToAsn1({ commonName, organization }: DistinguishedName): Asn1 {
  const attribute = (type: string, text: string) => ({ type, value: text, valueTagClass: Type.UTF8 as number });
  const attributes = [
    ...(organization === undefined ? [] : [attribute("2.5.4.10", organization)]),
    attribute("2.5.4.3", commonName),
  ];
  return forge.pki.distinguishedNameToAsn1({ attributes });
}

/** RFC 5280, 4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050. */
function timeToAsn1(at: EpochMs): Asn1 {
  const date = new Date(at);
  return date.getUTCFullYear() < 2050
    ? value(Type.UTCTIME, forge.asn1.dateToUtcTime(date))
    : value(Type.GENERALIZEDTIME, forge.asn1.dateToGeneralizedTime(date));
}

/** RFC 5280, 4.2.1.2 (1): SHA-1 of the key's bits; a name for the key, not a protection. */
function keyIdentifier(key: KeyObject): string {
  const [, bits] = sequenceOf(decodeDer(key.export({ type: "spki", format: "der" })));
  const octets = contentOf(bits, Type.BITSTRING).slice(1);
  return createHash("sha1").update(octets, "latin1").digest("latin1");
}

function issuerKeyIdentifier({ name, privateKey }: CertificateRequest["issuer"]): string {
  if ("subjectKeyId" in name && name.subjectKeyId !== null) return toBinary(Buffer.from(name.subjectKeyId, "hex"));
  return keyIdentifier(createPublicKey(privateKey));
}

const flags = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, true]));

function extensionsToAsn1(request: CertificateRequest): Asn1 {
  const altNames = [
    ...(request.uris ?? []).map((uri) => ({ type: 6, value: uri })),
    ...(request.dnsNames ?? []).map((dnsName) => ({ type: 2, value: dnsName })),
    ...(request.ipAddresses ?? []).map((ip) => ({ type: 7, ip })),
  ];
  const pathLength = request.ca?.pathLength;
  const certificate = forge.pki.createCertificate();
  certificate.setExtensions([
    {
      name: "basicConstraints",
      critical: true,
      cA: request.ca !== undefined,
      ...(pathLength === undefined ? {} : { pathLenConstraint: pathLength }),
    },
    { name: "keyUsage", critical: true, ...flags(request.keyUsage) },
    ...(request.extendedKeyUsage ? [{ name: "extKeyUsage", ...flags(request.extendedKeyUsage) }] : []),
    { name: "subjectKeyIdentifier", value: value(Type.OCTETSTRING, keyIdentifier(request.publicKey)) },
    { name: "authorityKeyIdentifier", keyIdentifier: issuerKeyIdentifier(request.issuer) },
    ...(altNames.length > 0 ? [{ name: "subjectAltName", altNames }] : []),
  ]);
  return certificateExtensionsToAsn1(certificate.extensions);
}

const { certificateExtensionsToAsn1 } = forge.pki as unknown as {
  /** Missing from forge's typings. */
  certificateExtensionsToAsn1(extensions: readonly unknown[]): Asn1;
};
