import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { writeFileDurably } from "../durable-file.ts";
import type { Sha256Hex } from "../pki/authority.ts";
import { type Certificate, readCertificate } from "../pki/certificate.ts";
import { mintCertificate } from "../pki/mint.ts";
import { pemOf } from "../pki/pem.ts";
import { sha256Hex } from "../pki/public-key.ts";
import type { Randomness } from "../randomness.ts";
import { spiffeIdOf } from "../spiffe/spiffe-id.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import { StartRefusal } from "../start-refusal.ts";
import { DAY_MS, type EpochMs, MINUTE_MS } from "../time.ts";
import { createKey, type KeyStore } from "./key-store.ts";

/** The CA of the broker's own trust domain: it issues what the broker's listeners present. */
export interface BrokerAuthority {
  readonly trustDomain: TrustDomain;
  readonly certificate: Certificate;
  readonly certificatePem: string;
  readonly key: KeyObject;
}

/** The key of the first CA. Those that follow by a roll-over are named by their fingerprint. */
const FIRST_KEY = "broker-ca";
const LIFE_MS = 3_653 * DAY_MS;
/** A peer whose clock is behind by less than this accepts what was issued just now. */
export const BACKDATED_MS = MINUTE_MS;

/** Where the broker's CA lies. */
export interface IdentityStores {
  readonly certificates: CertificateStore;
  readonly keys: KeyStore;
}

/** Where the certificate of the CA that issues lies. */
export interface CertificateStore {
  /** What people call it. */
  readonly place: string;
  /** What people do, where the certificate there is of no use, for the next start to do without: an imperative. */
  readonly removal: string;
  /** PEM. */
  load(): Promise<string | undefined>;
  /** From now on this one issues. */
  save(pem: string): Promise<void>;
}

/** The CA's certificate as a file of its own. */
export const certificateFile = (path: string): CertificateStore => ({
  place: path,
  removal: `remove ${path}`,
  load: async () => (statSync(path, { throwIfNoEntry: false }) ? readFileSync(path, "utf8") : undefined),
  save: async (pem) => writeFileDurably(path, pem),
});

/** Under which name the key of a CA is kept that a roll-over made. */
export const caKeyName = (keyFingerprint: Sha256Hex): string => `${FIRST_KEY}-${keyFingerprint.slice(0, 16)}`;

/** Under which name the key with this fingerprint lies; undefined where it does not. */
export async function nameOfCaKey(keys: KeyStore, keyFingerprint: Sha256Hex): Promise<string | undefined> {
  for (const name of [caKeyName(keyFingerprint), FIRST_KEY]) {
    const key = await keys.load(name);
    if (key && fingerprintOf(key) === keyFingerprint) return name;
  }
  return undefined;
}

const fingerprintOf = (key: KeyObject): Sha256Hex =>
  sha256Hex(createPublicKey(key).export({ type: "spki", format: "der" }));

/** A new CA, of which nothing is kept yet. */
export function newBrokerAuthority(options: {
  readonly keys: KeyStore;
  readonly trustDomain: TrustDomain;
  readonly now: EpochMs;
  readonly random: Randomness;
}): BrokerAuthority {
  const { keys, trustDomain } = options;
  const key = keys.generate("P-256");
  const certificate = readCertificate(mintBrokerCertificate({ ...options, key }));
  return { trustDomain, certificate, certificatePem: pemOf(certificate.der), key };
}

/**
 * Loads the broker's CA, its key and its certificate; the first start makes both. A certificate that is lost is the one
 * that `remembered` knows, or is issued anew for the first key, which verifies all that the old one did.
 * @param options.remembered PEM of the CA that issues, as it is known elsewhere; asked where the store has none
 * @throws {StartRefusal} when certificate and key do not belong together, or are another trust domain's
 */
export async function openBrokerAuthority(
  options: IdentityStores & {
    readonly trustDomain: TrustDomain;
    readonly now: EpochMs;
    readonly random: Randomness;
    readonly remembered?: () => Promise<string | undefined>;
  },
): Promise<BrokerAuthority> {
  const { certificates, keys, trustDomain } = options;
  const { place } = certificates;
  const kept = await certificates.load();
  const pem = kept ?? (await options.remembered?.());
  const stored = pem === undefined ? undefined : readStored(pem, certificates);
  const key = stored
    ? await keyOf(stored, options)
    : ((await keys.load(FIRST_KEY)) ?? (await createKey(keys, FIRST_KEY, "P-256")));
  const certificate = stored ?? readCertificate(mintBrokerCertificate({ ...options, key }));
  const [spiffeId] = certificate.subjectAltName.uris;
  if (spiffeId !== spiffeIdOf(trustDomain, "")) {
    throw new StartRefusal(
      `trustDomain is ${trustDomain}, but ${place} is of ${spiffeId}: the broker's trust domain is fixed at its first ` +
        "start; set it back, or use another data folder",
    );
  }
  const certificatePem = pemOf(certificate.der);
  if (kept === undefined) await certificates.save(certificatePem);
  return { trustDomain, certificate, certificatePem, key };
}

/** The DER of a self-signed CA certificate for `key`, valid for ten years (R12, R34, R37). */
function mintBrokerCertificate(options: {
  readonly trustDomain: TrustDomain;
  readonly key: KeyObject;
  readonly now: EpochMs;
  readonly random: Randomness;
}): Uint8Array {
  // The name tells one broker's CA from another's where a consumer pools roots; it may be cut, it is never compared.
  const name = { organization: "Entente", commonName: `${options.trustDomain.slice(0, 54)} broker CA` };
  return mintCertificate({
    subject: name,
    serial: options.random(16),
    notBefore: options.now - BACKDATED_MS,
    notAfter: options.now + LIFE_MS,
    publicKey: createPublicKey(options.key),
    issuer: { name, privateKey: options.key },
    ca: {},
    keyUsage: ["keyCertSign", "cRLSign"],
    uris: [spiffeIdOf(options.trustDomain, "")],
  });
}

/** @throws {StartRefusal} none of the keys that are there is the certificate's */
async function keyOf({ publicKey: { fingerprint } }: Certificate, stores: IdentityStores): Promise<KeyObject> {
  const { keys, certificates } = stores;
  const name = await nameOfCaKey(keys, fingerprint);
  const key = name === undefined ? undefined : await keys.load(name);
  if (key) return key;
  // A first key that is there is another CA's, such as the one that a roll-over replaces.
  const names = (await keys.load(FIRST_KEY)) ? [caKeyName(fingerprint)] : [FIRST_KEY, caKeyName(fingerprint)];
  throw new StartRefusal(
    `the key of ${certificates.place} is missing; restore ${names.join(" or ")}, or ${withoutCertificate(certificates)}`,
  );
}

/** What a start does without the certificate, once somebody has taken it away. */
export const withoutCertificate = ({ removal }: CertificateStore): string =>
  `${removal}: the broker then takes the newest CA whose key is there, or makes one`;

function readStored(pem: string, certificates: CertificateStore): Certificate {
  try {
    return readCertificate(new X509Certificate(pem).raw);
  } catch (error) {
    throw new StartRefusal(
      `${certificates.place} is not a certificate; restore it, or ${withoutCertificate(certificates)}`,
      error,
    );
  }
}
