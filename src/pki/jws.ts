import { compactVerify, decodeProtectedHeader } from "jose";
import { isJsonObject, type JsonObject } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { EC_ALGORITHM, type PublicJwk } from "./authority.ts";
import { keyOf } from "./signature.ts";

/** S29: what would bring a key of its own, or a rule that is not known here. */
const REFUSED_HEADERS = ["jku", "x5u", "x5c", "jwk", "crit"];
const TYPES: readonly unknown[] = [undefined, "JWT", "JOSE"];

const algorithmsOf = (jwk: PublicJwk): string[] => {
  if (jwk.kty === "RSA") return ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
  return jwk.kty === "EC" ? [EC_ALGORITHM[jwk.crv]] : ["EdDSA", "Ed25519"];
};

/**
 * The payload of a compact JWS that this key signed, by an algorithm of its kind (S29).
 * @param keyId that its `kid` must be, where it has one
 * @returns undefined for any other text
 */
export async function payloadOf(jws: string, jwk: PublicJwk, keyId: string | null): Promise<Uint8Array | undefined> {
  try {
    const header = decodeProtectedHeader(jws);
    if (REFUSED_HEADERS.some((name) => name in header) || !TYPES.includes(header.typ)) return undefined;
    if (keyId !== null && header.kid !== undefined && header.kid !== keyId) return undefined;
    return (await compactVerify(jws, keyOf(jwk), { algorithms: algorithmsOf(jwk) })).payload;
  } catch {
    return undefined;
  }
}

/** The claims of a token's payload; undefined where it is no JSON object. */
export function claimsOf(payload: Uint8Array): JsonObject | undefined {
  try {
    const claims = parseJson(payload);
    return isJsonObject(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}
