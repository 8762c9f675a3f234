import { type KeyObject, sign } from "node:crypto";
import forge from "node-forge";
import {
  type Asn1,
  bitString,
  contentOf,
  decodeDer,
  encodeDer,
  fromBinary,
  isContext,
  membersOf,
  oid,
  oidOf,
  sequence,
  sequenceOf,
  toBinary,
  value,
} from "../../src/pki/der.ts";

const { Type } = forge.asn1;

export const extensionIds = {
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  subjectKeyId: "2.5.29.14",
} as const;

/** Where the members of a version 3 TBSCertificate stand. */
export const place = { serial: 1, validity: 4, subject: 5, publicKey: 6, extensions: 7 } as const;

/** The same certificate after `edit` changed the members of its TBSCertificate, signed anew in the same way by `key`. */
export function editCertificate(der: Uint8Array, key: KeyObject, edit: (tbs: Asn1[]) => void): Uint8Array {
  const [tbs, algorithm] = sequenceOf(decodeDer(der)) as [Asn1, Asn1];
  const members = [...sequenceOf(tbs)];
  edit(members);
  return signed(sequence(...members), algorithm, hashFor(key), key);
}

export function editExtensions(der: Uint8Array, key: KeyObject, edit: (list: Asn1[]) => readonly Asn1[]): Uint8Array {
  return editCertificate(der, key, (tbs) => {
    const wrapper = tbs.find((member) => isContext(member, 3)) as Asn1;
    const list = [...sequenceOf(membersOf(wrapper)[0])];
    tbs[place.extensions] = { ...wrapper, value: [sequence(...edit(list))] };
  });
}

const isOf = (id: string, node: Asn1) => oidOf(sequenceOf(node)[0]) === id;

export const without = (id: string) => (list: Asn1[]) => list.filter((node) => !isOf(id, node));

export const uncritical = (id: string) => (list: Asn1[]) =>
  list.map((node) => {
    const members = sequenceOf(node);
    return isOf(id, node) ? sequence(members[0] as Asn1, members.at(-1) as Asn1) : node;
  });

export const extension = (id: string, content: Uint8Array, critical: boolean): Asn1 =>
  sequence(oid(id), ...(critical ? [value(Type.BOOLEAN, "\xff")] : []), value(Type.OCTETSTRING, toBinary(content)));

/** A critical extension of an identifier that nobody knows. */
export const unknownCritical = (): Asn1 => extension("1.3.6.1.4.1.55555.1", Uint8Array.of(5, 0), true);

/** The same certificate, signed by an RSA key with a hash of old. */
export function weaklySigned(der: Uint8Array, rsaKey: KeyObject, hash: "sha1" | "md5"): Uint8Array {
  const identifier = { sha1: "1.2.840.113549.1.1.5", md5: "1.2.840.113549.1.1.4" }[hash];
  const algorithm = sequence(oid(identifier), value(Type.NULL, ""));
  const members = [...sequenceOf(sequenceOf(decodeDer(der))[0])];
  members[2] = algorithm;
  return signed(sequence(...members), algorithm, hash, rsaKey);
}

/** The same certificate with the outermost length written in one octet more than it needs. */
export function asBer(der: Uint8Array): Uint8Array {
  const body = der.slice(4);
  return Uint8Array.of(0x30, 0x83, 0, body.length >> 8, body.length & 0xff, ...body);
}

/** The same certificate of an EC key with one bit of the point's last octet turned: no longer on the curve. */
export function offCurve(der: Uint8Array, key: KeyObject): Uint8Array {
  return editCertificate(der, key, (tbs) => {
    const [algorithm, bits] = sequenceOf(tbs[place.publicKey]) as [Asn1, Asn1];
    const point = fromBinary(contentOf(bits, Type.BITSTRING).slice(1));
    point[point.length - 1] = (point.at(-1) as number) ^ 1;
    tbs[place.publicKey] = sequence(algorithm, bitString(point));
  });
}

const hashFor = (key: KeyObject): string | null => (key.asymmetricKeyType === "ed25519" ? null : "sha256");

const signed = (tbs: Asn1, algorithm: Asn1, hash: string | null, key: KeyObject): Uint8Array =>
  encodeDer(sequence(tbs, algorithm, bitString(sign(hash, encodeDer(tbs), key))));
