import forge from "node-forge";
import { type RawExtension, readBoolean } from "./certificate-parts.ts";
import {
  type Asn1,
  contentOf,
  decodeDer,
  fromBinary,
  isContext,
  isUniversal,
  membersOf,
  oidOf,
  primitive,
  sequenceOf,
  unreadable,
} from "./der.ts";

const { Type, Class } = forge.asn1;

/** Missing from forge's typings. */
const { bytesToIP } = forge.util as unknown as { bytesToIP(bytes: string): string };

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
  readonly nameConstraints: {
    readonly critical: boolean;
    readonly permitted: AltNames;
    readonly excluded: AltNames;
  } | null;
  /** Object identifiers of extensions that occur more than once. */
  readonly repeated: readonly string[];
  /** Object identifiers of critical extensions that OpenSSL or Go do not process. */
  readonly unknownCritical: readonly string[];
}

/** General names by kind: byte strings, foreign text. Kinds that no rule needs are counted only. */
export interface AltNames {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly others: number;
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
    nameConstraints: read(ID.nameConstraints, (node, critical) => ({
      critical,
      permitted: subtrees(node, 0),
      excluded: subtrees(node, 1),
    })),
    repeated: [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))],
    unknownCritical: extensions.filter(({ id, critical }) => critical && !KNOWN_CRITICAL.has(id)).map(({ id }) => id),
  };
}

const hex = (content: string): string => Buffer.from(fromBinary(content)).toString("hex");

function basicConstraints(node: Asn1, critical: boolean): BasicConstraints {
  const members = [...sequenceOf(node)];
  const ca = isUniversal(members[0], Type.BOOLEAN) && readBoolean(members.shift());
  const pathLength = members[0] ? contentOf(members[0], Type.INTEGER) : null;
  if (members.length > 1 || (pathLength !== null && pathLength.length > 4)) {
    throw unreadable("its basic constraints are malformed");
  }
  return { critical, ca, pathLength: pathLength === null ? null : forge.asn1.derToInteger(pathLength) };
}

function keyUsages(node: Asn1): ReadonlySet<KeyUsage> {
  const [, ...octets] = fromBinary(contentOf(node, Type.BITSTRING));
  return new Set(KEY_USAGES.filter((_, bit) => ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0));
}

function authorityKeyId(node: Asn1): string | null {
  const keyId = sequenceOf(node).find((member) => isContext(member, 0));
  return keyId ? hex(primitive(keyId)) : null;
}

function altNames(names: readonly Asn1[]): AltNames {
  const byTag = (tag: number) => names.filter((name) => isContext(name, tag)).map(primitive);
  const known = { uris: byTag(6), dnsNames: byTag(2), ipAddresses: byTag(7).map(ipAddress) };
  if (names.some((name) => name.tagClass !== Class.CONTEXT_SPECIFIC)) throw unreadable("a name in it is malformed");
  return { ...known, others: names.length - known.uris.length - known.dnsNames.length - known.ipAddresses.length };
}

/** IPv4 dotted, IPv6 compressed; in name constraints an address and its mask stand together, kept in hexadecimal. */
const ipAddress = (content: string): string =>
  content.length === 4 || content.length === 16 ? bytesToIP(content) : hex(content);

function subtrees(node: Asn1, tag: number): AltNames {
  const list = sequenceOf(node).find((member) => isContext(member, tag));
  return altNames((list ? membersOf(list) : []).map((subtree) => sequenceOf(subtree)[0] as Asn1));
}
