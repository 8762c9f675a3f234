import forge from "node-forge";
import { type RawExtension, readBoolean } from "./certificate-parts.ts";
import {
  type Asn1,
  bitsOf,
  contentOf,
  decodeDer,
  fromBinary,
  integerOf,
  isContext,
  isUniversal,
  oidOf,
  primitive,
  sequenceOf,
  unreadable,
} from "./der.ts";
import { type AltNames, altNames, type NameConstraints, nameConstraints } from "./general-names.ts";
import { requireReadableExtensions } from "./unruled-extensions.ts";

const { Type } = forge.asn1;

const KEY_USAGES = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

export interface BasicConstraints {
  readonly critical: boolean;
  readonly ca: boolean;
  readonly pathLength: number | null;
}

/** The extensions of a certificate that rules look at; null where the certificate has none of that kind. */
export interface Extensions {
  readonly basicConstraints: BasicConstraints | null;
  readonly keyUsage: { readonly critical: boolean; readonly usages: ReadonlySet<KeyUsage> } | null;
  /** Object identifiers. */
  readonly extendedKeyUsage: readonly string[] | null;
  /** Lower-case hexadecimal. */
  readonly subjectKeyId: string | null;
  readonly authorityKeyId: string | null;
  readonly subjectAltName: AltNames;
  readonly nameConstraints: NameConstraints | null;
  /** Object identifiers of extensions that occur more than once. */
  readonly repeated: readonly string[];
  /** Object identifiers of critical extensions that OpenSSL or Go do not process. */
  readonly unknownCritical: readonly string[];
}

const ID = {
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

/** Both OpenSSL and Go's crypto/x509 process these; any other critical one makes a consumer refuse the chain. */
const KNOWN_CRITICAL: ReadonlySet<string> = new Set([
  ID.keyUsage,
  ID.subjectAltName,
  ID.basicConstraints,
  ID.nameConstraints,
  ID.extendedKeyUsage,
  "2.5.29.31", // cRLDistributionPoints
  "2.5.29.32", // certificatePolicies
  "2.5.29.33", // policyMappings
  "2.5.29.36", // policyConstraints
  "2.5.29.54", // inhibitAnyPolicy
]);

/** @throws {Refusal} `certificate-unreadable`, `certificate-not-canonical` */
export function readExtensions(extensions: readonly RawExtension[]): Extensions {
  requireReadableExtensions(extensions);
  const ids = extensions.map((extension) => extension.id);
  /** The first of its kind: a repeated one is never accepted by the authority profile. */
  const read = <T>(id: string, reader: (node: Asn1, critical: boolean) => T): T | null => {
    const found = extensions.find((extension) => extension.id === id);
    return found ? reader(decodeDer(found.value), found.critical) : null;
  };
  return {
    basicConstraints: read(ID.basicConstraints, basicConstraints),
    keyUsage: read(ID.keyUsage, (node, critical) => ({ critical, usages: keyUsages(node) })),
    extendedKeyUsage: read(ID.extendedKeyUsage, (node) => sequenceOf(node).map(oidOf)),
    subjectKeyId: read(ID.subjectKeyId, (node) => hex(contentOf(node, Type.OCTETSTRING))),
    authorityKeyId: read(ID.authorityKeyId, authorityKeyId),
    subjectAltName: read(ID.subjectAltName, (node) => altNames(sequenceOf(node))) ?? altNames([]),
    nameConstraints: read(ID.nameConstraints, nameConstraints),
    repeated: [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))],
    unknownCritical: extensions.filter(({ id, critical }) => critical && !KNOWN_CRITICAL.has(id)).map(({ id }) => id),
  };
}

const hex = (content: string): string => Buffer.from(fromBinary(content)).toString("hex");

function basicConstraints(node: Asn1, critical: boolean): BasicConstraints {
  const members = [...sequenceOf(node)];
  const ca = isUniversal(members[0], Type.BOOLEAN) && readBoolean(members.shift());
  const pathLength = members[0] ? integerOf(members[0]) : null;
  const isCount = pathLength === null || (pathLength.length <= 4 && pathLength.charCodeAt(0) < 0x80);
  if (members.length > 1 || !isCount) throw unreadable("its basic constraints are malformed");
  return { critical, ca, pathLength: pathLength === null ? null : forge.asn1.derToInteger(pathLength) };
}

function keyUsages(node: Asn1): ReadonlySet<KeyUsage> {
  const octets = bitsOf(node);
  return new Set(KEY_USAGES.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

function authorityKeyId(node: Asn1): string | null {
  const keyId = sequenceOf(node).find((member) => isContext(member, 0));
  return keyId ? hex(primitive(keyId)) : null;
}
