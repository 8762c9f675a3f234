import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import type { PublicJwk } from "./authority.ts";
import { describePublicKey, type KeyKind } from "./public-key.ts";

interface Scheme {
  /** As node:crypto names it; null where the key has its own. */
  readonly hash: string | null;
  readonly padding?: number;
  readonly saltLength?: number;
  readonly dsaEncoding?: "der" | "ieee-p1363";
}

const rsa: readonly Scheme[] = [
  { hash: "sha256", padding: constants.RSA_PKCS1_PADDING },
  { hash: "sha256", padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO },
];
const ecdsa = (...hashes: readonly string[]): readonly Scheme[] =>
  hashes.flatMap((hash) => (["der", "ieee-p1363"] as const).map((dsaEncoding) => ({ hash, dsaEncoding })));

/** ECDSA with SHA-256, as `openssl dgst -sha256` makes it, or with the hash that JOSE pairs with the curve. */
const SCHEMES: Readonly<Record<KeyKind, readonly Scheme[]>> = {
  RSA: rsa,
  "P-256": ecdsa("sha256"),
  "P-384": ecdsa("sha256", "sha384"),
  "P-521": ecdsa("sha256", "sha512"),
  Ed25519: [{ hash: null }],
};

/** The public key of what was checked on its way in. */
export const keyOf = (jwk: PublicJwk): KeyObject => createPublicKey({ key: { ...jwk }, format: "jwk" });

/** Whether the key made the signature on the text, by any of the ways in which a key of its kind is used. */
export function isSignature(jwk: PublicJwk, text: string, signature: Uint8Array): boolean {
  const key = keyOf(jwk);
  const { kind } = describePublicKey(key);
  return SCHEMES[kind].some(({ hash, ...scheme }) => {
    try {
      return verify(hash, Buffer.from(text), { key, ...scheme }, signature);
    } catch {
      return false;
    }
  });
}
