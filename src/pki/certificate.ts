import { type KeyObject, X509Certificate } from "node:crypto";
import { Refusal } from "../errors.ts";
import type { EpochMs } from "../time.ts";
import type { Sha256Hex } from "./authority.ts";
import { type Extensions, readExtensions } from "./certificate-extensions.ts";
import { takeApart } from "./certificate-parts.ts";
import { notCanonical, unreadable } from "./der.ts";
import { MAX_CERTIFICATE_BYTES } from "./pem.ts";
import { type PublicKey, readPublicKey, sha256Hex } from "./public-key.ts";
import { type SignatureHash, signatureHashOf } from "./signature-algorithm.ts";

/** Everything about one certificate that a rule needs. That it could be read says nothing about its being acceptable. */
export interface Certificate extends Extensions {
  readonly der: Uint8Array;
  /** SHA-256 of the DER. */
  readonly fingerprint: Sha256Hex;
  /** 1 to 256; only 3 is in use. */
  readonly version: number;
  /** Content octets of the INTEGER, two's complement. */
  readonly serial: Uint8Array;
  /** One line such as `O=Shop, CN=Shop root`, controls and commas escaped; empty for an empty name. */
  readonly subject: string;
  readonly issuer: string;
  /** DER of the distinguished names. */
  readonly subjectName: Uint8Array;
  readonly issuerName: Uint8Array;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
  readonly publicKey: PublicKey;
  readonly signatureHash: SignatureHash;
  /** Subject and issuer are the same name. */
  readonly selfIssued: boolean;
  /** For `checkIssued`; never call `toLegacyObject` on it (S10). */
  readonly x509: X509Certificate;
}

/**
 * Reads one DER certificate. OpenSSL sees it only after its shape and its key were checked without it (S10, S11).
 * @throws {Refusal} `certificate-not-canonical` for BER and trailing bytes (S9); `certificate-unreadable` for all else
 */
export function readCertificate(der: Uint8Array): Certificate {
  try {
    return read(der);
  } catch (error) {
    if (!(error instanceof Refusal)) throw unreadable("The certificate cannot be read", error);
    if (error.code !== "certificate-unreadable") throw error;
    throw unreadable(`The certificate cannot be read: ${error.message}`, error.cause);
  }
}

function read(der: Uint8Array): Certificate {
  if (der.length > MAX_CERTIFICATE_BYTES) throw unreadable(`it has more than ${MAX_CERTIFICATE_BYTES} bytes`);
  const parts = takeApart(der);
  const publicKey = readPublicKey(parts.publicKey);
  const extensions = readExtensions(parts.extensions);
  const x509 = new X509Certificate(der);
  if (!x509.publicKey.equals(publicKey.object)) throw unreadable("its public key reads in two ways");
  if (!x509.raw.equals(der)) throw notCanonical("OpenSSL writes it in other bytes");
  return {
    ...extensions,
    der: Uint8Array.from(der),
    fingerprint: sha256Hex(der),
    version: parts.version,
    serial: parts.serial,
    subject: oneLine(x509.subject),
    issuer: oneLine(x509.issuer),
    subjectName: parts.subject,
    issuerName: parts.issuer,
    notBefore: parts.notBefore,
    notAfter: parts.notAfter,
    publicKey,
    signatureHash: signatureHashOf(parts.signatureAlgorithm),
    selfIssued: Buffer.from(parts.subject).equals(parts.issuer),
    x509,
  };
}

/**
 * Node writes one attribute a line, escapes commas and ASCII controls inside a value, and gives nothing at all for an
 * empty name. What hides or moves other characters is escaped here, because people read names to decide (S6).
 */
const oneLine = (name: string | undefined): string =>
  (name ?? "")
    .replaceAll("\n", ", ")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);

/** Whether `key` made the signature on the certificate; false for algorithms that OpenSSL does not know. */
export function isSignedBy(certificate: Certificate, key: KeyObject): boolean {
  try {
    return certificate.x509.verify(key);
  } catch {
    return false;
  }
}
