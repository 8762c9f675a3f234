import { generateKeyPairSync } from "node:crypto";
import { isIP } from "node:net";
import { type CertificateRequest, mintCertificate } from "../pki/mint.ts";
import { pemOf } from "../pki/pem.ts";
import type { Randomness } from "../randomness.ts";
import { type SpiffeId, spiffeIdOf } from "../spiffe/spiffe-id.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import { DAY_MS, type EpochMs } from "../time.ts";
import { BACKDATED_MS, type BrokerAuthority } from "./broker-authority.ts";

/** What a TLS listener presents. */
export interface ServingCertificate {
  /** PEM, leaf first, without the root. */
  readonly chainPem: string;
  readonly keyPem: string;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
}

export interface Issuance {
  readonly authority: BrokerAuthority;
  /** DNS names and IP addresses under which the listener is reached; localhost, 127.0.0.1 and ::1 are added. */
  readonly hosts: readonly string[];
  readonly now: EpochMs;
  readonly lifeMs: number;
  readonly random: Randomness;
}

/**
 * No certificate that the broker's CA issues lives longer: a roll-over relies on it. One without a SPIFFE ID lives as long,
 * as no SPIFFE consumer expects it to be short.
 */
export const LONGEST_LIFE_MS = 30 * DAY_MS;

/** The SPIFFE ID that the bundle endpoint presents in the profile https_spiffe. */
const bundleEndpointId = (broker: TrustDomain): SpiffeId => spiffeIdOf(broker, "/bundle-endpoint");

/** The broker's X509-SVID, with a key of its own (R39, R40, R41, R72). Go clients send the URL's host as SNI. */
export const issueSvid = (issuance: Issuance): ServingCertificate =>
  issueLeaf(issuance, "Entente bundle endpoint", {
    uris: [bundleEndpointId(issuance.authority.trustDomain)],
    extendedKeyUsage: ["serverAuth", "clientAuth"],
  });

/** A certificate for a listener that is known by its host: the admin API, and https_web where none is configured (R67). */
export const issueWebCertificate = (issuance: Issuance): ServingCertificate =>
  issueLeaf(issuance, "Entente", { extendedKeyUsage: ["serverAuth"] });

function issueLeaf(
  { authority, hosts, now, lifeMs: asked, random }: Issuance,
  commonName: string,
  rest: Pick<CertificateRequest, "uris" | "extendedKeyUsage">,
): ServingCertificate {
  if (now >= authority.certificate.notAfter) throw new Error("the broker's own CA has expired");
  const lifeMs = Math.min(asked, LONGEST_LIFE_MS);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // A tenth at most: half the life of a short one must lie after now, or it would be renewed at once and for ever.
  const notBefore = now - Math.min(BACKDATED_MS, lifeMs / 10);
  const notAfter = Math.min(now + lifeMs, authority.certificate.notAfter);
  const der = mintCertificate({
    subject: { organization: "Entente", commonName },
    serial: random(16),
    notBefore,
    notAfter,
    publicKey,
    issuer: { name: authority.certificate, privateKey: authority.key },
    keyUsage: ["digitalSignature"],
    ...altNames(hosts),
    ...rest,
  });
  return {
    chainPem: pemOf(der),
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    notBefore,
    notAfter,
  };
}

/** By what a listener is reached: these hosts and this machine. An address that only binds, such as 0.0.0.0, is no name. */
export const reachedBy = (hosts: readonly string[]): string[] =>
  [...new Set([...hosts.map((host) => host.toLowerCase()), "localhost", "127.0.0.1", "::1"])].filter(
    (host) => host !== "0.0.0.0" && host !== "::",
  );

function altNames(hosts: readonly string[]): Required<Pick<CertificateRequest, "dnsNames" | "ipAddresses">> {
  const named = reachedBy(hosts);
  return {
    dnsNames: named.filter((host) => isIP(host) === 0),
    ipAddresses: named.filter((host) => isIP(host) !== 0),
  };
}
