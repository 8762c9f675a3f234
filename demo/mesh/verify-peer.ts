import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { type Certificate, readCertificate } from "../../src/pki/certificate.ts";
import { parseSpiffeId, pathOf, type SpiffeId, trustDomainOf } from "../../src/spiffe/spiffe-id.ts";

/** The roots that a mesh trusts for a trust domain, as PEM; none for one whose bundle it does not hold. */
export type RootsOf = (trustDomain: string) => readonly string[];

const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const MAX_CHAIN = 5;

/**
 * Who is at the other end. The handshake has proved the key and validated a path to some trusted root; this adds what
 * SPIFFE asks for: the SVID's form (R39 to R41), and a chain to a root of its own trust domain, no other's (R81).
 * @throws {Error} or {Refusal} saying which rule is broken
 */
export function verifyPeer(socket: TLSSocket, rootsOf: RootsOf): SpiffeId {
  const leaf = socket.getPeerX509Certificate();
  if (!leaf) throw new Error("the peer sent no certificate");
  const spiffeId = spiffeIdIn(readCertificate(leaf.raw));
  const roots = rootsOf(trustDomainOf(spiffeId)).map((pem) => new X509Certificate(pem));
  if (!leadsToOneOf(roots, leaf))
    throw new Error(`${spiffeId} is not vouched for by a root of its own trust domain (R81)`);
  return spiffeId;
}

function spiffeIdIn(svid: Certificate): SpiffeId {
  const [uri, ...more] = svid.subjectAltName.uris;
  if (uri === undefined || more.length > 0) throw new Error("an X509-SVID has exactly one URI (R39)");
  const spiffeId = parseSpiffeId(uri);
  const usages = svid.keyUsage?.usages;
  if (pathOf(spiffeId) === "" || svid.basicConstraints?.ca || usages?.has("keyCertSign") || usages?.has("cRLSign")) {
    throw new Error(`${spiffeId} is a CA, not a workload (R40)`);
  }
  const extended = svid.extendedKeyUsage ?? [SERVER_AUTH, CLIENT_AUTH];
  if (!usages?.has("digitalSignature") || !extended.includes(SERVER_AUTH) || !extended.includes(CLIENT_AUTH)) {
    throw new Error(`${spiffeId} has not the key usages of an X509-SVID (R41)`);
  }
  return spiffeId;
}

/** Node's chain of a peer can stop before the root, and its root can be another trust domain's where roots are pooled. */
function leadsToOneOf(roots: readonly X509Certificate[], leaf: X509Certificate): boolean {
  let current = leaf;
  for (let length = 0; length < MAX_CHAIN; length += 1) {
    if (roots.some((root) => isIssuedBy(current, root))) return true;
    const issuer = current.issuerCertificate;
    if (!issuer?.ca || !isIssuedBy(current, issuer)) return false;
    current = issuer;
  }
  return false;
}

const isIssuedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
