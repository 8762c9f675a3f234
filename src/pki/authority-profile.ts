import { Refusal } from "../errors.ts";
import { spiffeIdOf } from "../spiffe/spiffe-id.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import { DAY_MS, type EpochMs, toRfc3339 } from "../time.ts";
import type { Warning, X509Authority } from "./authority.ts";
import { type Certificate, isSignedBy, readCertificate } from "./certificate.ts";
import { keySizeFault } from "./public-key.ts";
import { isStrong } from "./signature-algorithm.ts";

const EXPIRES_SOON_MS = 30 * DAY_MS;
const MAX_SERIAL_OCTETS = 20;
const WEAK_HASHES = new Set(["md5", "sha1", "sha224"]);

/**
 * Reads one CA certificate and checks it against the authority profile (S12, R33 to R38, R87, R88): what every known
 * consumer of a bundle accepts. A certificate of the future is allowed, so that a CA can be prepared. Pointers are
 * empty; the caller puts the certificate's place before them.
 * @throws {Refusal} what `readCertificate` throws, or the `certificate-…` code of the first rule that is broken
 */
export function x509Authority(
  der: Uint8Array,
  trustDomain: TrustDomain,
  now: EpochMs,
): { readonly authority: X509Authority; readonly warnings: Warning[] } {
  const certificate = readCertificate(der);
  requireVersion3(certificate);
  requireOrdinaryExtensions(certificate);
  requireCa(certificate);
  requireCertificateSigning(certificate);
  requireSerialNumber(certificate);
  requireSubject(certificate);
  requireAllowedKey(certificate);
  requireValidity(certificate, now);
  requireSpiffeId(certificate, trustDomain);
  requireStrongSignature(certificate);
  requireOwnSignature(certificate);
  return { authority: authorityOf(certificate), warnings: [...warningsOf(certificate, now)] };
}

const authorityOf = (certificate: Certificate): X509Authority => ({
  type: "x509",
  fingerprint: certificate.fingerprint,
  keyFingerprint: certificate.publicKey.fingerprint,
  certificate: Buffer.from(certificate.der).toString("base64"),
  jwk: certificate.publicKey.jwk,
  subject: certificate.subject,
  notBefore: certificate.notBefore,
  notAfter: certificate.notAfter,
});

function requireVersion3({ version }: Certificate): void {
  if (version !== 3) throw new Refusal("certificate-not-v3", `The certificate has version ${version}`);
}

function requireOrdinaryExtensions({ repeated, unknownCritical }: Certificate): void {
  const [twice] = repeated;
  if (twice) throw new Refusal("certificate-extensions", `The extension ${twice} is there more than once`);
  const [unknown] = unknownCritical;
  if (unknown) throw new Refusal("certificate-extensions", `The extension ${unknown} is critical and not known`);
}

function requireCa({ basicConstraints }: Certificate): void {
  if (!basicConstraints) throw new Refusal("certificate-not-ca", "The certificate has no basic constraints");
  if (!basicConstraints.ca) throw new Refusal("certificate-not-ca", "The certificate is that of a leaf: CA is false");
  if (!basicConstraints.critical) throw new Refusal("certificate-not-ca", "The basic constraints are not critical");
}

function requireCertificateSigning({ keyUsage }: Certificate): void {
  const refuse = (message: string) => new Refusal("certificate-key-usage", message);
  if (!keyUsage) throw refuse("The certificate has no key usage");
  if (!keyUsage.critical) throw refuse("The key usage is not critical");
  if (!keyUsage.usages.has("keyCertSign")) throw refuse("The key usage does not hold keyCertSign");
}

function requireSerialNumber({ serial }: Certificate): void {
  const refuse = (message: string) => new Refusal("certificate-serial", message);
  if (serial.length > MAX_SERIAL_OCTETS) throw refuse(`The serial number has ${serial.length} octets`);
  if ((serial[0] ?? 0) >= 0x80) throw refuse("The serial number is negative");
  if (serial.every((octet) => octet === 0)) throw refuse("The serial number is zero");
}

function requireSubject({ subject }: Certificate): void {
  if (subject === "") throw new Refusal("certificate-subject-empty", "The subject of the certificate is empty");
}

function requireAllowedKey({ publicKey }: Certificate): void {
  const fault = keySizeFault(publicKey);
  if (fault) throw new Refusal("certificate-key-not-allowed", `The key is ${fault}`);
}

function requireValidity({ notBefore, notAfter }: Certificate, now: EpochMs): void {
  if (notBefore >= notAfter) {
    throw new Refusal("certificate-validity", `The certificate ends on ${toRfc3339(notAfter)}, before it begins`);
  }
  if (now > notAfter) {
    throw new Refusal("certificate-expired", `The certificate expired on ${toRfc3339(notAfter)}`);
  }
}

/** R37, R88; R39 allows an SVID one URI. SPIFFE allows an empty label in a trust domain, Go none in a URI name. */
function requireSpiffeId({ subjectAltName: { uris } }: Certificate, trustDomain: TrustDomain): void {
  const allowed = spiffeIdOf(trustDomain, "");
  const [uri] = uris;
  if (uris.length > 1) throw new Refusal("certificate-spiffe-id", `The certificate has ${uris.length} URI names`);
  if (uri !== undefined && uri !== allowed) {
    throw new Refusal("certificate-spiffe-id", `The certificate's URI name is not ${allowed}`);
  }
  if (uri !== undefined && trustDomain.split(".").includes("")) {
    throw new Refusal("certificate-spiffe-id", `Go's crypto/x509 reads no URI name with an empty label: leave it out`);
  }
}

/** A root's own signature protects nothing, so that an old root with SHA-1 is let in with a warning. */
function requireStrongSignature({ signatureHash, selfIssued }: Certificate): void {
  if (isStrong(signatureHash) || (selfIssued && WEAK_HASHES.has(signatureHash))) return;
  throw new Refusal("certificate-signature-algorithm", `The signature's hash is ${signatureHash}`);
}

function requireOwnSignature(certificate: Certificate): void {
  if (!certificate.selfIssued || isSignedBy(certificate, certificate.publicKey.object)) return;
  throw new Refusal("certificate-self-signature", "Subject and issuer are the same, the keys are not");
}

function* warningsOf(certificate: Certificate, now: EpochMs): Generator<Warning> {
  const warning = (code: string, message: string): Warning => ({ code, message, pointer: "" });
  if (now < certificate.notBefore) {
    yield warning("not-yet-valid", `The CA is valid from ${toRfc3339(certificate.notBefore)}`);
  }
  if (certificate.notAfter - now < EXPIRES_SOON_MS) {
    yield warning("expires-soon", `The CA expires on ${toRfc3339(certificate.notAfter)}`);
  }
  if (!certificate.selfIssued) {
    yield warning("not-self-signed", "The CA is an intermediate; some consumers need a root (R34)");
  }
  if (certificate.subjectAltName.uris.length === 0) {
    yield warning("no-spiffe-id", "The CA does not say which trust domain it belongs to (R37)");
  }
  if (WEAK_HASHES.has(certificate.signatureHash)) {
    yield warning("weak-signature-hash", `The CA's own signature uses ${certificate.signatureHash}`);
  }
  if (certificate.subjectKeyId === null) {
    yield warning("no-subject-key-identifier", "The CA has no subject key identifier (RFC 5280, 4.2.1.2)");
  }
  if (certificate.extendedKeyUsage !== null) {
    yield warning("extended-key-usage", "The CA has an extended key usage, which may limit what it can issue");
  }
}
