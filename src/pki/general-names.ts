import forge from "node-forge";
import { type Asn1, isContext, membersOf, primitive, sequenceOf, unreadable } from "./der.ts";
import { isAscii } from "./distinguished-name.ts";

const { Class } = forge.asn1;

/** Missing from forge's typings. */
const { bytesToIP } = forge.util as unknown as { bytesToIP(bytes: string): string };

/** General names by kind: ASCII, foreign text. Kinds that no rule needs are counted only. */
export interface AltNames {
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly others: number;
}

export interface NameConstraints {
  readonly critical: boolean;
  readonly permitted: AltNames;
  readonly excluded: AltNames;
}

const TAG = { email: 1, dns: 2, uri: 6, ip: 7 } as const;

/** @throws {Refusal} `certificate-unreadable` for what Go's crypto/x509 does not read, too */
export function altNames(names: readonly Asn1[]): AltNames {
  const read = { uris: texts(names, TAG.uri), dnsNames: texts(names, TAG.dns), emails: texts(names, TAG.email) };
  const addresses = byTag(names, TAG.ip);
  if (addresses.some(({ length }) => length !== 4 && length !== 16))
    throw unreadable("an IP address in it is malformed");
  return counted(names, { ...read, ipAddresses: addresses.map(bytesToIP) });
}

/**
 * Names that certificates below are held to; an address and its mask stand together, in hexadecimal.
 * @throws {Refusal} `certificate-unreadable` for what Go's crypto/x509 does not read, too
 */
export function nameConstraints(node: Asn1, critical: boolean): NameConstraints {
  const lists = sequenceOf(node);
  const [permitted, excluded] = [0, 1].map((tag) => lists.find((list) => isContext(list, tag)));
  const inOrder = [permitted, excluded].filter((list) => list !== undefined);
  if (inOrder.length !== lists.length || inOrder.some((list, index) => list !== lists[index]))
    throw unreadable("its name constraints are malformed");
  const bases = [permitted, excluded].map((list) => (list ? membersOf(list).map(baseOf) : []));
  if (bases.flat().length === 0) throw unreadable("its name constraints are empty");
  const [allowed = [], forbidden = []] = bases;
  return { critical, permitted: constrainedNames(allowed), excluded: constrainedNames(forbidden) };
}

function baseOf(subtree: Asn1): Asn1 {
  const [base] = sequenceOf(subtree);
  if (!base) throw unreadable("its name constraints are malformed");
  return base;
}

function constrainedNames(names: readonly Asn1[]): AltNames {
  const [uris, dnsNames, emails] = [TAG.uri, TAG.dns, TAG.email].map((tag) => texts(names, tag));
  const addresses = byTag(names, TAG.ip);
  const hosts = (emails ?? []).map((email) => (MAILBOX.test(email) ? email.slice(email.indexOf("@") + 1) : email));
  if (![...(uris ?? []), ...(dnsNames ?? []), ...hosts].every(isDomainSuffix) || uris?.some(isAddress))
    throw unreadable("a name constraint is no domain");
  if (!addresses.every(isAddressAndMask)) throw unreadable("an IP range in it is malformed");
  const ipAddresses = addresses.map((content) => Buffer.from(content, "latin1").toString("hex"));
  return counted(names, { uris: uris ?? [], dnsNames: dnsNames ?? [], emails: emails ?? [], ipAddresses });
}

/** Only the simplest of what RFC 5321 allows before the `@`. */
const MAILBOX = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[^@.][^@]*$/;

/** A domain as Go takes it in a constraint: labels that are not empty, perhaps with a leading dot; or nothing at all. */
const isDomainSuffix = (name: string): boolean => name === "" || /^\.?[!-\-/-?A-~]+(?:\.[!-\-/-?A-~]+)*$/.test(name);

/** Also of what only looks like one. */
const isAddress = (name: string): boolean => name.includes(":") || /^\d+(?:\.\d+){3}$/.test(name);

function isAddressAndMask(content: string): boolean {
  if (content.length !== 8 && content.length !== 32) return false;
  const bits = [...Buffer.from(content.slice(content.length / 2), "latin1")]
    .map((octet) => octet.toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits);
}

const byTag = (names: readonly Asn1[], tag: number): string[] =>
  names.filter((name) => isContext(name, tag)).map(primitive);

function texts(names: readonly Asn1[], tag: number): string[] {
  const found = byTag(names, tag);
  if (!found.every(isAscii)) throw unreadable("a name in it is not ASCII");
  return found;
}

function counted(
  names: readonly Asn1[],
  { emails, ...known }: Omit<AltNames, "others"> & { emails: string[] },
): AltNames {
  if (names.some((name) => name.tagClass !== Class.CONTEXT_SPECIFIC)) throw unreadable("a name in it is malformed");
  return { ...known, others: names.length - known.uris.length - known.dnsNames.length - known.ipAddresses.length };
}
