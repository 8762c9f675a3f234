import { createPublicKey, hash, type KeyObject } from "node:crypto";
import forge from "node-forge";
import type { PublicJwk, Sha256Hex } from "./authority.ts";
import { type Asn1, contentOf, encodeDer, notCanonical, oidOf, sequenceOf, unreadable } from "./der.ts";

const { Type } = forge.asn1;

export type KeyKind = "RSA" | "P-256" | "P-384" | "P-521" | "Ed25519";

/** A public key of an allowed kind; its size is still to be judged. */
export interface PublicKey {
  readonly kind: KeyKind;
  readonly object: KeyObject;
  readonly jwk: PublicJwk;
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly fingerprint: Sha256Hex;
}

const CURVES: Readonly<Record<string, { readonly kind: KeyKind; readonly pointBytes: number }>> = {
  "1.2.840.10045.3.1.7": { kind: "P-256", pointBytes: 65 },
  "1.3.132.0.34": { kind: "P-384", pointBytes: 97 },
  "1.3.132.0.35": { kind: "P-521", pointBytes: 133 },
};

export const sha256Hex = (bytes: Uint8Array): Sha256Hex => hash("sha256", bytes);

/**
 * Reads a SubjectPublicKeyInfo before OpenSSL sees the certificate around it (S11). Accepts only the one encoding of
 * a key that Go and OpenSSL both read, so that equal keys have equal fingerprints (R28).
 * @throws {Refusal} `certificate-unreadable`, `certificate-not-canonical`
 */
export function readPublicKey(node: Asn1): PublicKey {
  const [algorithm, bits] = sequenceOf(node);
  requireKnownForm(sequenceOf(algorithm), contentOf(bits, Type.BITSTRING));
  const spki = encodeDer(node);
  let object: KeyObject;
  try {
    object = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
  } catch (cause) {
    throw unreadable("its public key is not a valid key", cause);
  }
  if (!object.export({ type: "spki", format: "der" }).equals(spki)) throw notCanonical("that of its public key");
  return describePublicKey(object);
}

function requireKnownForm([identifier, parameters]: readonly Asn1[], bits: string): void {
  const algorithm = oidOf(identifier);
  if (bits[0] !== "\0") throw unreadable("its public key does not end on a whole octet");
  switch (algorithm) {
    case "1.2.840.113549.1.1.1":
      if (contentOf(parameters, Type.NULL) !== "") throw unreadable("its RSA key has parameters");
      return;
    case "1.2.840.10045.2.1": {
      const curve = CURVES[oidOf(parameters)];
      if (!curve) throw unreadable("its elliptic curve is none of P-256, P-384 and P-521");
      if (bits.length !== 1 + curve.pointBytes || bits[1] !== "\x04")
        throw unreadable("its curve point is not uncompressed");
      return;
    }
    case "1.3.101.112":
      if (parameters !== undefined || bits.length !== 33) throw unreadable("its Ed25519 key is malformed");
      return;
    default:
      throw unreadable(`its key algorithm ${algorithm} is none of RSA, ECDSA and Ed25519`);
  }
}

/** Describes a key that node:crypto holds; `object` must be an RSA, P-256, P-384, P-521 or Ed25519 public key. */
export function describePublicKey(object: KeyObject): PublicKey {
  const jwk = publicMembers(object.export({ format: "jwk" }) as PublicJwk);
  const fingerprint = sha256Hex(object.export({ type: "spki", format: "der" }));
  return { kind: jwk.kty === "RSA" ? "RSA" : jwk.crv, object, jwk, fingerprint };
}

function publicMembers(jwk: PublicJwk): PublicJwk {
  switch (jwk.kty) {
    case "RSA":
      return { kty: jwk.kty, n: jwk.n, e: jwk.e };
    case "EC":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y };
    case "OKP":
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x };
  }
}

/** Says what is wrong with the size of a key, or null: RSA has 2048 to 8192 bits in whole octets and e >= 65537 (S12). */
export function keySizeFault({ kind, object }: PublicKey): string | null {
  if (kind !== "RSA") return null;
  const { modulusLength = 0, publicExponent = 0n } = object.asymmetricKeyDetails ?? {};
  if (modulusLength < 2048 || modulusLength > 8192 || modulusLength % 8 !== 0) return `RSA of ${modulusLength} bits`;
  if (publicExponent < 65_537n || publicExponent % 2n === 0n) return "RSA with a public exponent under 65537 or even";
  // Go reads no larger one, and one key that it cannot read costs a consumer the whole bundle.
  if (publicExponent > 2_147_483_647n) return "RSA with a public exponent over 2^31 - 1";
  return null;
}
