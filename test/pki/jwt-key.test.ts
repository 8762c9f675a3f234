import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { jwtAuthority } from "../../src/pki/jwt-key.ts";
import { eventualRefusalOf } from "../support/refusal-of.ts";
import { testKey } from "../support/test-keys.ts";

type Jwk = Record<string, unknown>;
const jwkOf = (key: KeyObject): Jwk => ({ ...createPublicKey(key).export({ format: "jwk" }) });
const p256 = jwkOf(testKey("p256"));
const rsa = jwkOf(testKey("rsa"));
const signing = (jwk: Jwk, more: Jwk = {}): Jwk => ({ ...jwk, kid: "2026-11", ...more });

const refused = async (jwk: unknown) => {
  const { code, pointer } = await eventualRefusalOf(() => jwtAuthority(jwk));
  return { code, pointer };
};

describe("A JWT signing key is accepted", () => {
  test.each(["rsa", "p256", "p384", "p521"] as const)(
    "of the kind %s, known by its RFC 7638 thumbprint (R47)",
    async (kind) => {
      const key = testKey(kind);
      const jwk = jwkOf(key);
      const spki = createPublicKey(key).export({ type: "spki", format: "der" });
      const { crv, e, kty, n, x, y } = jwk;
      const required = JSON.stringify({ crv, e, kty, n, x, y });
      expect(await jwtAuthority(signing(jwk))).toEqual({
        type: "jwt",
        fingerprint: createHash("sha256").update(required).digest("hex"),
        keyFingerprint: createHash("sha256").update(spki).digest("hex"),
        keyId: "2026-11",
        jwk,
      });
    },
  );

  test("and its thumbprint is that of the RFC's own example (RFC 7638, 3.1)", async () => {
    const n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3" +
      "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA" +
      "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-" +
      "kEgU8awapJzKnqDKgw";
    const { fingerprint } = await jwtAuthority({ kty: "RSA", n, e: "AQAB", alg: "RS256", kid: "2011-04-29" });
    expect(Buffer.from(fingerprint, "hex").toString("base64url")).toBe("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  });

  test.each([undefined, "jwt-svid", "sig"])("with the use %s, as SPIFFE and OIDC have it", async (use) => {
    const { jwk } = await jwtAuthority(signing(p256, use === undefined ? {} : { use }));
    expect(jwk).toEqual(p256);
  });

  test("without whatever else it says of itself (R25)", async () => {
    const more = { alg: "ES256", key_ops: ["verify"], x5t: "AA", "https://shop.example/note": { deep: [1] } };
    expect(await jwtAuthority(signing(p256, more))).toEqual(await jwtAuthority(signing(p256)));
  });

  test("in one form only: leading zeros do not make it another key (R91)", async () => {
    const padded = Buffer.concat([Buffer.of(0), Buffer.from(rsa.n as string, "base64url")]).toString("base64url");
    expect(await jwtAuthority(signing(rsa, { n: padded }))).toEqual(await jwtAuthority(signing(rsa)));
  });
});

describe("A JWT signing key is refused", () => {
  test.each(["d", "p", "q", "dp", "dq", "qi", "k", "oth"])("with the private member %s (S13, R85)", async (member) => {
    expect(await refused(signing(rsa, { [member]: "AQAB" }))).toEqual({
      code: "private-key-submitted",
      pointer: `/${member}`,
    });
  });

  test("with a private member below, or as an item of a list (S13)", async () => {
    expect(await refused({ keys: [signing(p256, { d: "AQAB" })] })).toEqual({
      code: "private-key-submitted",
      pointer: "/keys/0/d",
    });
    expect(await refused([{ "a/b": { d: "AQAB" } }])).toEqual({ code: "private-key-submitted", pointer: "/0/a~1b/d" });
  });

  test("of kty oct (R85)", async () => {
    expect(await refused(signing({ kty: "oct" }))).toEqual({ code: "private-key-submitted", pointer: "/kty" });
  });

  test("and nothing of a private key is repeated", async () => {
    const key = testKey("rsa").export({ format: "jwk" });
    const refusal = await eventualRefusalOf(() => jwtAuthority(signing({ ...key })));
    expect(refusal.message + JSON.stringify(refusal)).not.toContain(key.d);
  });

  test.each<[string, Jwk, string]>([
    ["Ed25519", jwkOf(testKey("ed25519")), "/kty"],
    ["secp256k1", jwkOf(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey), "/crv"],
    ["RSA of 1024 bits", jwkOf(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey), "/n"],
    ["RSA with the exponent 1", { ...rsa, e: "AQ" }, "/n"],
    ["RSA of 8200 bits", { ...rsa, n: Buffer.alloc(1025, 0xff).toString("base64url") }, "/n"],
    ["an unknown kty", { kty: "AKP" }, "/kty"],
    ["the use of encryption", { ...p256, use: "enc" }, "/use"],
    ["the use of X509-SVIDs", { ...p256, use: "x509-svid" }, "/use"],
    ["a use that is no text", { ...p256, use: 1 }, "/use"],
  ])("for %s: jwk-not-allowed (R47)", async (_, jwk, pointer) => {
    expect(await refused(signing(jwk))).toEqual({ code: "jwk-not-allowed", pointer });
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["a text", "key"],
    ["a list", [p256]],
    ["no kty", { ...p256, kty: undefined }],
    ["a kty that is no text", { ...p256, kty: ["EC"] }],
    ["no y", { ...p256, y: undefined }],
    ["a number as n", { ...rsa, n: 65_537 }],
    ["base64 with padding", { ...p256, x: `${p256.x}=` }],
    ["base64 in the standard alphabet", { ...rsa, n: `+/${(rsa.n as string).slice(2)}` }],
    ["an empty e", { ...rsa, e: "" }],
    ["a point that is not on the curve", { ...p256, y: p256.x }],
    ["coordinates of another curve", { ...jwkOf(testKey("p384")), crv: "P-256" }],
  ])("for %s: invalid-jwk", async (_, jwk) => {
    const asGiven = Array.isArray(jwk) || !(jwk instanceof Object);
    expect((await refused(asGiven ? jwk : signing(jwk as Jwk))).code).toBe("invalid-jwk");
  });

  test.each([undefined, "", 7, null, "a\nb", "a\u202eb", "k".repeat(1025)])("for the kid %j (R43)", async (kid) => {
    expect(await refused({ ...p256, kid })).toEqual({ code: "jwk-key-id", pointer: "/kid" });
  });
});
