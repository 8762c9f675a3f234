import type { EpochMs } from "../time.ts";

/** Lower-case hexadecimal SHA-256. */
export type Sha256Hex = string;

/** The public members of a JWK and nothing else: no `kid`, `use`, `x5c`, `alg`. Values are base64url. */
export type PublicJwk =
  | { readonly kty: "RSA"; readonly n: string; readonly e: string }
  | { readonly kty: "EC"; readonly crv: keyof typeof EC_ALGORITHM; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: "Ed25519"; readonly x: string };

/** The curves, each with the one algorithm that signs with it (RFC 7518, 3.4). */
export const EC_ALGORITHM = { "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" } as const;

/** One X.509 CA certificate that passed the authority profile. */
export interface X509Authority {
  readonly type: "x509";
  /** SHA-256 of the DER. */
  readonly fingerprint: Sha256Hex;
  /** SHA-256 of the SubjectPublicKeyInfo: the same for every certificate of one key (R28, R91). */
  readonly keyFingerprint: Sha256Hex;
  /** Base64 (standard alphabet) of the DER: what `x5c` holds (R34). */
  readonly certificate: string;
  readonly jwk: PublicJwk;
  readonly subject: string;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
}

/** One JWT signing key (R43, R47). */
export interface JwtAuthority {
  readonly type: "jwt";
  /** RFC 7638 SHA-256 thumbprint, in hexadecimal. */
  readonly fingerprint: Sha256Hex;
  readonly keyFingerprint: Sha256Hex;
  /** The `kid`, unique in its trust domain. */
  readonly keyId: string;
  readonly jwk: PublicJwk;
}

/** What an authority is made of: checked on the way in, never checked again. Plain data: it crosses threads and JSON. */
export type Authority = X509Authority | JwtAuthority;

/** Something the uploader should know of an upload that was accepted. */
export interface Warning {
  readonly code: string;
  readonly message: string;
  /** RFC 6901 JSON pointer into the request, e.g. `/pem` or `/bundle/keys/0`. */
  readonly pointer: string;
  /** Of a PEM text, which block, from 1. */
  readonly block?: number;
}
