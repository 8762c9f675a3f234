import { type EpochMs, toRfc3339 } from "../time.ts";
import { type Certificate, isSignedBy } from "./certificate.ts";
import { keySizeFault } from "./public-key.ts";
import { isStrong } from "./signature-algorithm.ts";

/**
 * Says why a path does not hold at `now`, or null (RFC 5280, 6.1): a leaf, then the issuer of each, the trust anchor last.
 * Names and signatures of each link are OpenSSL's to judge (S14). Of names, URIs alone are held to name constraints: no
 * other proves anything here.
 */
export function pathFault(path: readonly Certificate[], now: EpochMs): string | null {
  const anchor = path.length - 1;
  for (const [index, certificate] of path.entries()) {
    const which = nameOf(index, anchor);
    const fault =
      validityFault(certificate, now) ??
      (index === anchor ? null : formFault(certificate)) ??
      (index === 0 ? leafFault(certificate) : issuerFault(certificate, path.slice(0, index)));
    if (fault !== null) return `${which} ${fault}`;
    const issuer = path[index + 1];
    if (issuer && !(certificate.x509.checkIssued(issuer.x509) && isSignedBy(certificate, issuer.publicKey.object)))
      return `${which} was not issued by ${nameOf(index + 1, anchor)}`;
  }
  return null;
}

const nameOf = (index: number, anchor: number): string =>
  index === anchor ? "the authority" : index === 0 ? "the certificate" : `intermediate ${index}`;

function validityFault({ notBefore, notAfter }: Certificate, now: EpochMs): string | null {
  if (now < notBefore) return `is not valid before ${toRfc3339(notBefore)}, and it is ${toRfc3339(now)}`;
  return now > notAfter ? `expired on ${toRfc3339(notAfter)}` : null;
}

/** What an authority's own certificate was held to when it was registered (S12). */
function formFault(certificate: Certificate): string | null {
  const { version, repeated, unknownCritical, publicKey, signatureHash } = certificate;
  if (version !== 3) return `has version ${version}`;
  const [extension] = [...repeated, ...unknownCritical];
  if (extension) return `has the extension ${extension} twice, or critical and unknown`;
  if (!isStrong(signatureHash)) return `has a signature with ${signatureHash}`;
  const fault = keySizeFault(publicKey);
  return fault && `has a key of ${fault}`;
}

/** R40: a leaf is no CA. */
function leafFault({ basicConstraints, keyUsage }: Certificate): string | null {
  const signs = keyUsage?.usages.has("keyCertSign") || keyUsage?.usages.has("cRLSign");
  return basicConstraints?.ca || signs ? "is that of a CA, not of a leaf" : null;
}

/** @param below what it stands above, the leaf first */
function issuerFault(certificate: Certificate, below: readonly Certificate[]): string | null {
  const { basicConstraints, keyUsage, nameConstraints } = certificate;
  if (!basicConstraints?.ca) return "is not a CA";
  if (keyUsage && !keyUsage.usages.has("keyCertSign")) return "may not sign certificates";
  const intermediates = below.slice(1).filter(({ selfIssued }) => !selfIssued).length;
  if (basicConstraints.pathLength !== null && intermediates > basicConstraints.pathLength)
    return `allows ${basicConstraints.pathLength} intermediates below it, not ${intermediates}`;
  const hosts = below.flatMap(({ subjectAltName }) => subjectAltName.uris.map(hostOf));
  const permitted = nameConstraints?.permitted.uris ?? [];
  const excluded = nameConstraints?.excluded.uris ?? [];
  const allowed = (host: string) =>
    (permitted.length === 0 || permitted.some((base) => isWithin(host, base))) &&
    !excluded.some((base) => isWithin(host, base));
  return hosts.every(allowed) ? null : "has name constraints that the URI below it breaks";
}

const hostOf = (uri: string): string =>
  (/^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:]*)/i.exec(uri)?.[1] ?? "").toLowerCase();

/** RFC 5280, 4.2.1.10: a name is itself, one that begins with a dot is all below it. */
function isWithin(host: string, base: string): boolean {
  const name = base.toLowerCase();
  return name.startsWith(".") ? host.endsWith(name) : name === "" || host === name;
}
