import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { type Certificate, readCertificate } from "../../src/pki/certificate.ts";
import { type DistinguishedName, mintCertificate } from "../../src/pki/mint.ts";
import { pemOf } from "../../src/pki/pem.ts";
import { spiffeIdOf } from "../../src/spiffe/spiffe-id.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/time.ts";
import type { CaKind } from "./profile.ts";

/** A workload's X509-SVID with its key, as a TLS context takes them. */
export interface Svid {
  readonly spiffeId: string;
  /** The SVID, then the intermediates that lead to the root, which is not among them. */
  readonly chainPem: string;
  readonly keyPem: string;
}

/** A mesh's CA. What leaves the mesh is the root's certificate alone. */
export interface MeshAuthority {
  readonly rootPem: string;
  /** Issues an SVID (R37 to R41). A CA can write any name: that is why a peer checks whose CA it was. */
  issue(spiffeId: string): Svid;
}

interface Issuer {
  readonly name: DistinguishedName | Certificate;
  readonly privateKey: KeyObject;
}

/** Makes a new CA. `label` tells one CA of a mesh from its next. */
export function mintAuthority(trustDomainName: string, kind: CaKind, label: string): MeshAuthority {
  const trustDomain = parseTrustDomain(trustDomainName);
  const key = newKey(kind);
  const name = { organization: "Entente demo", commonName: `${trustDomain} root ${label}` };
  const root = mintCa(name, key, { name, privateKey: key }, spiffeIdOf(trustDomain, ""));
  const direct: Issuer = { name: readCertificate(root), privateKey: key };
  const intermediate = kind === "p256-intermediate" ? mintIntermediate(trustDomainName, direct, label) : null;
  return {
    rootPem: pemOf(root),
    issue(spiffeId) {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const der = mintCertificate({
        subject: { organization: "Entente demo", commonName: "workload" },
        issuer: intermediate?.issuer ?? direct,
        publicKey,
        ...validFor(HOUR_MS),
        keyUsage: ["digitalSignature"],
        extendedKeyUsage: ["serverAuth", "clientAuth"],
        uris: [spiffeId],
      });
      const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
      return { spiffeId, chainPem: pemOf(der) + (intermediate?.pem ?? ""), keyPem };
    },
  };
}

function mintIntermediate(trustDomain: string, root: Issuer, label: string): { issuer: Issuer; pem: string } {
  const key = newKey("p256-intermediate");
  const name = { organization: "Entente demo", commonName: `${trustDomain} intermediate ${label}` };
  const der = mintCa(name, key, root, spiffeIdOf(parseTrustDomain(trustDomain), ""));
  return { issuer: { name: readCertificate(der), privateKey: key }, pem: pemOf(der) };
}

const mintCa = (subject: DistinguishedName, key: KeyObject, issuer: Issuer, spiffeId: string): Uint8Array =>
  mintCertificate({
    subject,
    issuer,
    publicKey: createPublicKey(key),
    ...validFor(30 * DAY_MS),
    ca: {},
    keyUsage: ["keyCertSign", "cRLSign"],
    uris: [spiffeId],
  });

const validFor = (lifeMs: number) => ({
  serial: randomBytes(16),
  notBefore: Date.now() - MINUTE_MS,
  notAfter: Date.now() + lifeMs,
});

function newKey(kind: CaKind): KeyObject {
  if (kind === "rsa") return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  if (kind === "ed25519") return generateKeyPairSync("ed25519").privateKey;
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}
