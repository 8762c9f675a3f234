import { createHash, createPublicKey, type KeyObject, type webcrypto } from "node:crypto";
import { type ErrorCode, Refusal } from "../errors.ts";
import type { JwtAuthority, PublicJwk, Sha256Hex } from "./authority.ts";
import { refusePrivateMembers } from "./private-members.ts";
import { describePublicKey, keySizeFault } from "./public-key.ts";

const MAX_KEY_ID_LENGTH = 1024;
const CURVES = new Set(["P-256", "P-384", "P-521"]);
const USES = new Set(["jwt-svid", "sig"]);
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const KEY_ID = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;

/**
 * Reads one JWT signing key (R43, R47). Only the members that make the public key are copied, in their shortest
 * form; whatever else the JWK says of itself is left behind (R25).
 * @throws {Refusal} `private-key-submitted` (S13, R85), `invalid-jwk`, `jwk-not-allowed`, `jwk-key-id`
 */
export function jwtAuthority(jwk: unknown): JwtAuthority {
  refusePrivateMembers(jwk);
  if (typeof jwk !== "object" || jwk === null || Array.isArray(jwk)) {
    throw new Refusal("invalid-jwk", "A JWK is a JSON object");
  }
  const members = jwk as Readonly<Record<string, unknown>>;
  requireUse(members.use);
  const publicKey = describePublicKey(importKey(allowedMembers(members)));
  const fault = keySizeFault(publicKey);
  if (fault) throw refusal("jwk-not-allowed", `The key is ${fault}`, "n");
  return {
    type: "jwt",
    fingerprint: thumbprint(publicKey.jwk),
    keyFingerprint: publicKey.fingerprint,
    keyId: readKeyId(members.kid),
    jwk: publicKey.jwk,
  };
}

const refusal = (code: ErrorCode, message: string, member: string): Refusal =>
  new Refusal(code, message, { pointer: `/${member}` });

function requireUse(use: unknown): void {
  if (use !== undefined && !(typeof use === "string" && USES.has(use))) {
    throw refusal("jwk-not-allowed", "The key is for another use than jwt-svid or sig", "use");
  }
}

function allowedMembers(members: Readonly<Record<string, unknown>>): webcrypto.JsonWebKey {
  const text = (name: string): string => {
    const member = members[name];
    if (typeof member !== "string") throw refusal("invalid-jwk", `The member ${name} is not a string`, name);
    return member;
  };
  const base64url = (name: string): string => {
    const member = text(name);
    if (!BASE64URL.test(member)) throw refusal("invalid-jwk", `The member ${name} is not base64url`, name);
    return member;
  };
  const kty = text("kty");
  if (kty === "RSA") return { kty, n: base64url("n"), e: base64url("e") };
  if (kty !== "EC") throw refusal("jwk-not-allowed", "The key is neither RSA nor EC", "kty");
  const crv = text("crv");
  if (!CURVES.has(crv)) throw refusal("jwk-not-allowed", "The curve is none of P-256, P-384 and P-521", "crv");
  return { kty, crv, x: base64url("x"), y: base64url("y") };
}

/** For EC, OpenSSL refuses here a point that is not on the curve. */
function importKey(jwk: webcrypto.JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch (cause) {
    throw new Refusal("invalid-jwk", "The members do not make a public key", { cause });
  }
}

function readKeyId(kid: unknown): string {
  if (typeof kid !== "string" || kid === "") throw refusal("jwk-key-id", "The key has no kid", "kid");
  if (kid.length > MAX_KEY_ID_LENGTH || !KEY_ID.test(kid)) {
    throw refusal("jwk-key-id", `The kid is longer than ${MAX_KEY_ID_LENGTH} or has control characters`, "kid");
  }
  return kid;
}

/** RFC 7638: the public members in alphabetical order, without white space. */
function thumbprint(jwk: PublicJwk): Sha256Hex {
  const sorted = Object.fromEntries(Object.entries(jwk).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}
