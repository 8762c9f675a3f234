import forge from "node-forge";
import type { EpochMs } from "../time.ts";
import {
  type Asn1,
  bitsOf,
  contentOf,
  decodeDer,
  encodeDer,
  fromBinary,
  integerOf,
  isContext,
  isUniversal,
  membersOf,
  notCanonical,
  oidOf,
  sequenceOf,
  unreadable,
} from "./der.ts";
import { requireReadableName } from "./distinguished-name.ts";

const { Type } = forge.asn1;

export interface RawExtension {
  /** Dotted object identifier. */
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

/** A certificate taken apart by its ASN.1 alone (RFC 5280, 4.1): shape checked, meaning not. */
export interface CertificateParts {
  readonly version: number;
  /** Content octets of the INTEGER, two's complement. */
  readonly serial: Uint8Array;
  readonly signatureAlgorithm: Asn1;
  /** DER of the distinguished names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
  readonly publicKey: Asn1;
  readonly extensions: readonly RawExtension[];
}

/** @throws {Refusal} `certificate-unreadable`, `certificate-not-canonical` (S9, S11) */
export function takeApart(der: Uint8Array): CertificateParts {
  const [tbs, outerAlgorithm, signature, ...rest] = sequenceOf(decodeDer(der));
  if (rest.length > 0 || !outerAlgorithm) throw unreadable("it is not a certificate");
  bitsOf(signature);

  const members = [...sequenceOf(tbs)];
  const version = isContext(members[0], 0) ? readVersion(members.shift() as Asn1) : 1;
  const [serial, signatureAlgorithm, issuer, validity, subject, publicKey, ...optional] = members;
  sequenceOf(signatureAlgorithm);
  sequenceOf(publicKey);
  if (!signatureAlgorithm || !issuer || !subject || !publicKey) throw unreadable("it is not a certificate");
  requireReadableName(issuer);
  requireReadableName(subject);
  if (!Buffer.from(encodeDer(signatureAlgorithm)).equals(encodeDer(outerAlgorithm))) {
    throw unreadable("its two signature algorithms differ"); // RFC 5280, 4.1.1.2
  }
  const [notBefore, notAfter] = sequenceOf(validity);
  return {
    version,
    serial: fromBinary(integerOf(serial)),
    signatureAlgorithm,
    issuer: encodeDer(issuer),
    subject: encodeDer(subject),
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    publicKey,
    extensions: readExtensions(optional.find((member) => isContext(member, 3))),
  };
}

function readVersion(node: Asn1): number {
  const content = integerOf(membersOf(node)[0]);
  if (content.length !== 1) throw unreadable("its version is not a small number");
  return content.charCodeAt(0) + 1;
}

/** RFC 5280, 4.1.2.5: UTCTime `YYMMDDHHMMSSZ` for 1950 to 2049, GeneralizedTime `YYYYMMDDHHMMSSZ`. */
function readTime(node: Asn1 | undefined): EpochMs {
  const short = isUniversal(node, Type.UTCTIME);
  const text = contentOf(node, short ? Type.UTCTIME : Type.GENERALIZEDTIME);
  const full = short ? (text < "50" ? "20" : "19") + text : text;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? [];
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date.parse folds 30 February into March.
  if (Number.isNaN(at) || new Date(at).getUTCDate() !== Number(day)) throw unreadable("its validity is not two times");
  return at;
}

function readExtensions(wrapper: Asn1 | undefined): readonly RawExtension[] {
  if (!wrapper) return [];
  return sequenceOf(membersOf(wrapper)[0]).map((extension) => {
    const [id, ...rest] = sequenceOf(extension);
    const critical = isUniversal(rest[0], Type.BOOLEAN) && readBoolean(rest.shift());
    if (rest.length !== 1) throw unreadable("an extension is malformed");
    return { id: oidOf(id), critical, value: fromBinary(contentOf(rest[0], Type.OCTETSTRING)) };
  });
}

export function readBoolean(node: Asn1 | undefined): boolean {
  const content = contentOf(node, Type.BOOLEAN);
  if (content !== "\xff" && content !== "\0") throw notCanonical("a boolean is neither 00 nor FF");
  return content === "\xff";
}
