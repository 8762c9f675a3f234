import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import type { X509Authority } from "../../src/pki/authority.ts";
import { x509Authority } from "../../src/pki/authority-profile.ts";
import { type Certificate, readCertificate } from "../../src/pki/certificate.ts";
import {
  type CertificateRequest,
  type DistinguishedName,
  type ExtendedKeyUsage,
  mintCertificate,
} from "../../src/pki/mint.ts";
import { pemOf } from "../../src/pki/pem.ts";
import { spiffeIdOf } from "../../src/spiffe/spiffe-id.ts";
import { parseTrustDomain, type TrustDomain } from "../../src/spiffe/trust-domain.ts";
import { DAY_MS, type EpochMs, HOUR_MS } from "../../src/time.ts";
import { sharedTestKey, type TestKeyKind, testKey } from "./test-keys.ts";

export interface TestCaOptions {
  readonly trustDomain: string;
  /** Default `p256`. */
  readonly kind?: TestKeyKind;
  /** Default `<trust domain> CA`. */
  readonly commonName?: string;
  readonly organization?: string;
  /** Default an hour ago. */
  readonly notBefore?: EpochMs;
  /** Default in a year. */
  readonly notAfter?: EpochMs;
  /** For a new certificate of an old key; default a fresh key. */
  readonly privateKey?: KeyObject;
  /** Default the trust domain's own SPIFFE ID; an empty list for a CA without one. */
  readonly uris?: readonly string[];
  readonly pathLength?: number;
  /** Default absent. */
  readonly extendedKeyUsage?: readonly ExtendedKeyUsage[];
}

export interface TestLeafOptions {
  /** Default `p256`; leafs of one kind share a key. */
  readonly kind?: TestKeyKind;
  readonly commonName?: string;
  readonly notBefore?: EpochMs;
  readonly notAfter?: EpochMs;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

/** A certificate with its private key, as a TLS context takes them. */
export interface TestIdentity {
  readonly certificate: Certificate;
  readonly der: Uint8Array;
  /** The certificate, then the intermediates that lead to the root, which is not among them. */
  readonly certificatePem: string;
  readonly privateKey: KeyObject;
  /** PKCS #8. */
  readonly keyPem: string;
}

export interface TestCa extends TestIdentity {
  readonly trustDomain: TrustDomain;
  /** What the broker makes of the certificate at `now`, by default the time of the call. */
  authority(now?: EpochMs): X509Authority;
  intermediate(options?: Omit<TestCaOptions, "trustDomain">): TestCa;
  /** A leaf with one URI SAN; `spiffeId` is whole or a path in the CA's trust domain. */
  issueSvid(spiffeId: string, options?: TestLeafOptions): TestIdentity;
  /** A leaf with whatever names, for example an https_web server's. */
  issueLeaf(options: TestLeafOptions): TestIdentity;
}

type Issuing = Pick<TestIdentity, "certificate" | "privateKey"> & { readonly chainPem: string };

/** A root CA of a trust domain, as SPIRE or Istio would have one: real keys, real certificate. */
export const testCa = (options: TestCaOptions): TestCa => makeCa(options, null);

function makeCa(options: TestCaOptions, parent: Issuing | null): TestCa {
  const trustDomain = parseTrustDomain(options.trustDomain);
  const privateKey = options.privateKey ?? testKey(options.kind ?? "p256");
  const subject: DistinguishedName = {
    commonName: options.commonName ?? `${trustDomain} ${parent ? "intermediate" : "CA"}`,
    ...(options.organization === undefined ? {} : { organization: options.organization }),
  };
  const der = mint({
    subject,
    publicKey: createPublicKey(privateKey),
    issuer: parent ? issuerOf(parent) : { name: subject, privateKey },
    ca: options.pathLength === undefined ? {} : { pathLength: options.pathLength },
    keyUsage: ["keyCertSign", "cRLSign"],
    uris: options.uris ?? [spiffeIdOf(trustDomain, "")],
    notAfter: options.notAfter ?? Date.now() + 365 * DAY_MS,
    ...(options.notBefore === undefined ? {} : { notBefore: options.notBefore }),
    ...(options.extendedKeyUsage === undefined ? {} : { extendedKeyUsage: options.extendedKeyUsage }),
  });
  const identity = identityOf(der, privateKey, parent?.chainPem ?? "");
  const issuing = { certificate: identity.certificate, privateKey, chainPem: parent ? identity.certificatePem : "" };
  const issueLeaf = (leaf: TestLeafOptions) => makeLeaf(issuing, leaf);
  return {
    ...identity,
    trustDomain,
    authority: (now = Date.now()) => x509Authority(der, trustDomain, now).authority,
    intermediate: (lower = {}) => makeCa({ ...lower, trustDomain }, issuing),
    issueSvid: (spiffeId, leaf = {}) =>
      issueLeaf({ ...leaf, uris: [spiffeId.startsWith("/") ? spiffeIdOf(trustDomain, spiffeId) : spiffeId] }),
    issueLeaf,
  };
}

function makeLeaf(
  issuing: Issuing,
  { kind = "p256", commonName = "workload", ...names }: TestLeafOptions,
): TestIdentity {
  const privateKey = sharedTestKey(kind);
  const der = mint({
    ...names,
    subject: { commonName },
    publicKey: createPublicKey(privateKey),
    issuer: issuerOf(issuing),
    keyUsage: ["digitalSignature"],
    extendedKeyUsage: ["serverAuth", "clientAuth"],
    notAfter: names.notAfter ?? Date.now() + HOUR_MS,
  });
  return identityOf(der, privateKey, issuing.chainPem);
}

const issuerOf = ({ certificate, privateKey }: Issuing) => ({ name: certificate, privateKey });

const mint = (request: Omit<CertificateRequest, "serial" | "notBefore"> & { readonly notBefore?: EpochMs }) =>
  mintCertificate({ notBefore: Math.min(Date.now(), request.notAfter) - HOUR_MS, serial: randomBytes(16), ...request });

function identityOf(der: Uint8Array, privateKey: KeyObject, chainPem: string): TestIdentity {
  return {
    certificate: readCertificate(der),
    der,
    certificatePem: pemOf(der) + chainPem,
    privateKey,
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}
