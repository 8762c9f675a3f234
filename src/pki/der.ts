import forge from "node-forge";
import { Refusal } from "../errors.ts";

export type Asn1 = forge.asn1.Asn1;

/** No type of its own: the octets that follow say which. */
const LONG_TAG: number = 0x1f;

const { Class, Type, create, toDer } = forge.asn1;

/** forge's typings know only the `strict` flag; without `decodeBitStrings: false` it guesses at what a signature holds. */
const fromDer = forge.asn1.fromDer as unknown as (
  bytes: string,
  options: { strict: true; parseAllBytes: true; decodeBitStrings: false },
) => Asn1;

/** forge keeps bytes in strings, one character a byte. */
export const toBinary = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
export const fromBinary = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

export const unreadable = (message: string, cause?: unknown): Refusal =>
  new Refusal("certificate-unreadable", message, { cause });

export const encodeDer = (node: Asn1): Uint8Array => fromBinary(toDer(node).getBytes());

/**
 * Reads one ASN.1 value that fills `bytes` and is canonical, as far as it shows without a schema (S9).
 * @throws {Refusal} `certificate-unreadable`; `certificate-not-canonical` for BER and for trailing bytes
 */
export function decodeDer(bytes: Uint8Array): Asn1 {
  let node: Asn1;
  try {
    node = fromDer(toBinary(bytes), { strict: true, parseAllBytes: true, decodeBitStrings: false });
  } catch (cause) {
    if ((cause as Error).message.startsWith("Unparsed DER bytes")) throw notCanonical("there are bytes after its end");
    throw unreadable("it is not ASN.1", cause);
  }
  if (!Buffer.from(encodeDer(node)).equals(bytes)) throw notCanonical("it is BER");
  refuseLongTags(node);
  return node;
}

/** forge takes the first octet of a tag of several for the whole of it. Nothing in a certificate has one. */
function refuseLongTags({ type, value }: Asn1): void {
  if (type === LONG_TAG) throw unreadable("a tag in it has several octets");
  if (typeof value !== "string") for (const member of value) refuseLongTags(member);
}

export const notCanonical = (why: string): Refusal =>
  new Refusal("certificate-not-canonical", `The encoding is not canonical: ${why}`);

const isA = (node: Asn1 | undefined, tagClass: number, type: number): node is Asn1 =>
  node !== undefined && node.tagClass === tagClass && node.type === type;

export const isUniversal = (node: Asn1 | undefined, type: number): node is Asn1 => isA(node, Class.UNIVERSAL, type);
export const isContext = (node: Asn1 | undefined, tag: number): node is Asn1 => isA(node, Class.CONTEXT_SPECIFIC, tag);

/** The members of a constructed value. @throws {Refusal} `certificate-unreadable` where it is primitive */
export function membersOf(node: Asn1): readonly Asn1[] {
  if (typeof node.value === "string") throw unreadable("a constructed value is missing");
  return node.value;
}

/** The members of a SEQUENCE. @throws {Refusal} `certificate-unreadable` where it is something else */
export function sequenceOf(node: Asn1 | undefined): readonly Asn1[] {
  if (!isUniversal(node, Type.SEQUENCE)) throw unreadable("a sequence is missing");
  return membersOf(node);
}

/** The content octets of a primitive value, one character a byte. @throws {Refusal} `certificate-unreadable` */
export function contentOf(node: Asn1 | undefined, type: number): string {
  if (!isUniversal(node, type)) throw unreadable(`a value of ASN.1 type ${type} is missing`);
  return primitive(node);
}

export function primitive(node: Asn1): string {
  if (typeof node.value !== "string") throw unreadable("a primitive value is missing");
  return node.value;
}

/**
 * The content octets of an INTEGER, one character a byte, in the fewest octets (X.690, 8.3.2).
 * @throws {Refusal} `certificate-unreadable`, `certificate-not-canonical`
 */
export function integerOf(node: Asn1 | undefined): string {
  const content = contentOf(node, Type.INTEGER);
  const [first, second = -1] = fromBinary(content);
  if (first === undefined) throw unreadable("an integer is empty");
  if ((first === 0 && second >= 0 && second < 0x80) || (first === 0xff && second >= 0x80))
    throw notCanonical("an integer is longer than it needs to be");
  return content;
}

/**
 * The octets of a BIT STRING; the unused bits at its end are at most 7 and zero (X.690, 11.2.1).
 * @throws {Refusal} `certificate-unreadable`, `certificate-not-canonical`
 */
export function bitsOf(node: Asn1 | undefined): Uint8Array {
  const [unused, ...octets] = fromBinary(contentOf(node, Type.BITSTRING));
  if (unused === undefined || unused > 7 || (octets.length === 0 && unused > 0))
    throw unreadable("its bits are cut off");
  if (((octets.at(-1) ?? 0) & ((1 << unused) - 1)) !== 0) throw notCanonical("bits that are not in use are set");
  return Uint8Array.from(octets);
}

/** Longer than any in use, short enough to be shown. */
const MAX_OID_OCTETS = 40;
/** Go's reader of object identifiers stops at numbers of 31 bits: this is the most before the last seven. */
const MAX_OID_PREFIX = 2 ** 24;

/**
 * An OBJECT IDENTIFIER in dotted form, in the fewest octets (X.690, 8.19.2).
 * @throws {Refusal} `certificate-unreadable`, `certificate-not-canonical`
 */
export function oidOf(node: Asn1 | undefined): string {
  const content = contentOf(node, Type.OID);
  if (content === "" || content.length > MAX_OID_OCTETS) throw unreadable("an object identifier is empty or too long");
  let number = 0;
  let within = false;
  for (const octet of fromBinary(content)) {
    if (!within && octet === 0x80) throw notCanonical("an object identifier is padded");
    if (number >= MAX_OID_PREFIX) throw unreadable("a number in an object identifier is too large");
    within = octet >= 0x80;
    number = within ? number * 128 + (octet & 0x7f) : 0;
  }
  if (within) throw unreadable("an object identifier is cut off");
  return forge.asn1.derToOid(content);
}

export const sequence = (...members: Asn1[]): Asn1 => create(Class.UNIVERSAL, Type.SEQUENCE, true, members);
export const value = (type: number, content: string): Asn1 => create(Class.UNIVERSAL, type, false, content);
export const oid = (dotted: string): Asn1 => value(Type.OID, forge.asn1.oidToDer(dotted).getBytes());
export const bitString = (bytes: Uint8Array): Asn1 => value(Type.BITSTRING, `\0${toBinary(bytes)}`);
