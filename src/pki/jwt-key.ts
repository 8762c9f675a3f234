import { KeyObject } from "node:crypto";
import { calculateJwkThumbprint, importJWK } from "jose";
import { type ErrorCode, Refusal } from "../errors.ts";
import { EC_ALGORITHM, type JwtAuthority, type PublicJwk, type Sha256Hex } from "./authority.ts";
import { refusePrivateMembers } from "./private-members.ts";
import { describePublicKey, keySizeFault } from "./public-key.ts";

const MAX_KEY_ID_LENGTH = 1024;
const USES = new Set(["jwt-svid", "sig"]);
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const KEY_ID = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;

/**
 * Reads one JWT signing key (R43, R47). Only the members that make the public key are copied, in their shortest
 * form; whatever else the JWK says of itself is left behind (R25).
 * @throws {Refusal} `private-key-submitted` (S13, R85), `invalid-jwk`, `jwk-not-allowed`, `jwk-key-id`
 */
export async function jwtAuthority(jwk: unknown): Promise<JwtAuthority> {
  refusePrivateMembers(jwk);
  if (typeof jwk !== "object" || jwk === null || Array.isArray(jwk)) {
    throw new Refusal("invalid-jwk", "A JWK is a JSON object");
  }
  const members = jwk as Readonly<Record<string, unknown>>;
  requireUse(members.use);
  const publicKey = describePublicKey(await importKey(allowedMembers(members)));
  const fault = keySizeFault(publicKey);
  if (fault) throw refusal("jwk-not-allowed", `The key is ${fault}`, "n");
  return {
    type: "jwt",
    fingerprint: await thumbprint(publicKey.jwk),
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

/** The kinds of key that may sign JWT-SVIDs (R47). */
type SigningJwk = Exclude<PublicJwk, { kty: "OKP" }>;

function allowedMembers(members: Readonly<Record<string, unknown>>): SigningJwk {
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
  if (!isCurve(crv)) throw refusal("jwk-not-allowed", "The curve is none of P-256, P-384 and P-521", "crv");
  return { kty, crv, x: base64url("x"), y: base64url("y") };
}

const isCurve = (crv: string): crv is keyof typeof EC_ALGORITHM => Object.hasOwn(EC_ALGORITHM, crv);

/** A point that is not on the curve is refused here. Of RSA the algorithm says only that it is a signing key. */
async function importKey(jwk: SigningJwk): Promise<KeyObject> {
  try {
    return KeyObject.from(await importJWK(jwk, jwk.kty === "RSA" ? "RS256" : EC_ALGORITHM[jwk.crv]));
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

/** RFC 7638. */
const thumbprint = async (jwk: PublicJwk): Promise<Sha256Hex> =>
  Buffer.from(await calculateJwkThumbprint(jwk, "sha256"), "base64url").toString("hex");
