import forge from "node-forge";
import { type Asn1, isContext, membersOf, oid, oidOf, sequence, sequenceOf, value } from "./der.ts";
import type { KeyKind } from "./public-key.ts";

/** The hash inside a signature; Ed25519 has its own (SHA-512), `unknown` is any algorithm that is not listed here. */
export type SignatureHash = "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" | "ed25519" | "unknown";

const STRONG: ReadonlySet<SignatureHash> = new Set(["sha256", "sha384", "sha512", "ed25519"]);
/** S12: what a signature may be made with, where it protects anything. */
export const isStrong = (hash: SignatureHash): boolean => STRONG.has(hash);

const PSS = "1.2.840.113549.1.1.10";

const HASHES: Readonly<Record<string, SignatureHash>> = {
  "1.2.840.113549.1.1.4": "md5",
  "1.2.840.113549.1.1.5": "sha1",
  "1.2.840.113549.1.1.14": "sha224",
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.1": "sha1",
  "1.2.840.10045.4.3.1": "sha224",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": "ed25519",
};

/** Hash functions by themselves, as the parameters of RSASSA-PSS name them. */
const DIGESTS: Readonly<Record<string, SignatureHash>> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.4": "sha224",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/** @throws {Refusal} `certificate-unreadable` where `algorithm` is no AlgorithmIdentifier */
export function signatureHashOf(algorithm: Asn1): SignatureHash {
  const [identifier, parameters] = sequenceOf(algorithm);
  const id = oidOf(identifier);
  if (id !== PSS) return HASHES[id] ?? "unknown";
  const named = parameters && sequenceOf(parameters).find((member) => isContext(member, 0));
  if (!named) return "sha1"; // RFC 4055: the default
  return DIGESTS[oidOf(sequenceOf(membersOf(named)[0])[0])] ?? "unknown";
}

/** How a key of each kind signs a certificate here: `hash` as node:crypto's `sign` takes it. */
export const signingAlgorithms: Readonly<Record<KeyKind, { readonly identifier: Asn1; readonly hash: string | null }>> =
  {
    RSA: { identifier: sequence(oid("1.2.840.113549.1.1.11"), value(forge.asn1.Type.NULL, "")), hash: "sha256" },
    "P-256": { identifier: sequence(oid("1.2.840.10045.4.3.2")), hash: "sha256" },
    "P-384": { identifier: sequence(oid("1.2.840.10045.4.3.3")), hash: "sha384" },
    "P-521": { identifier: sequence(oid("1.2.840.10045.4.3.4")), hash: "sha512" },
    Ed25519: { identifier: sequence(oid("1.3.101.112")), hash: null },
  };
