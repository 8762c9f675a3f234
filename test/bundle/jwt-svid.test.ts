import { createPublicKey, type KeyObject } from "node:crypto";
import { createLocalJWKSet, type JWK, type JWTVerifyOptions, jwtVerify, SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { renderProjections } from "../../src/bundle/projections.ts";
import { jwtAuthority } from "../../src/pki/jwt-key.ts";
import { testCa } from "../support/test-ca.ts";
import { type TestKeyKind, testKey } from "../support/test-keys.ts";

// What a workload that validates JWT-SVIDs does with the bundle that it was served, by jose.

const AUDIENCE = "spiffe://bank.example/payments";

interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}
const signingKey = (kid: string, kind: TestKeyKind): SigningKey => ({ kid, privateKey: testKey(kind) });

/** The SPIFFE document as it goes out for a trust domain with these JWT keys and a CA. */
async function servedBundle(trustDomain: string, keys: readonly SigningKey[], ca = testCa({ trustDomain })) {
  const jwts = keys.map(({ kid, privateKey }) =>
    jwtAuthority({ ...createPublicKey(privateKey).export({ format: "jwk" }), kid, use: "jwt-svid" }),
  );
  return renderProjections([ca.authority(), ...(await Promise.all(jwts))], 300, 1).spiffe.body;
}

/** R44: the jwt-svid keys alone; jose knows their use as `sig`. */
function verificationKeys(body: Buffer) {
  const { keys } = JSON.parse(body.toString()) as { keys: JWK[] };
  return createLocalJWKSet({
    keys: keys.filter(({ use }) => use === "jwt-svid").map((key) => ({ ...key, use: "sig" })),
  });
}

const jwtSvid = ({ kid, privateKey }: SigningKey, alg: string) =>
  new SignJWT({ sub: "spiffe://shop.example/web", aud: AUDIENCE })
    .setProtectedHeader({ alg, kid, typ: "JWT" })
    .setExpirationTime("5m")
    .sign(privateKey);

/** S29: algorithm, audience, type and claims are all said, none left to the token. */
const demands = (alg: string): JWTVerifyOptions => ({
  algorithms: [alg],
  audience: AUDIENCE,
  typ: "JWT",
  requiredClaims: ["sub", "aud", "exp"],
});

const failure = (verification: Promise<unknown>): Promise<unknown> =>
  verification.then(
    () => "verified",
    (error: { code?: string }) => error.code,
  );

describe.each([
  ["ES256", "p256"],
  ["ES384", "p384"],
  ["ES512", "p521"],
  ["RS256", "rsa"],
] as const)("a JWT-SVID signed with %s", (alg, kind) => {
  const key = signingKey("2026-11", kind);

  test("verifies with the keys of its own trust domain's served bundle (R43, R47)", async () => {
    const keys = verificationKeys(await servedBundle("shop.example", [key, signingKey("2026-12", kind)]));
    const { payload, protectedHeader } = await jwtVerify(await jwtSvid(key, alg), keys, demands(alg));
    expect(payload).toMatchObject({ sub: "spiffe://shop.example/web", aud: AUDIENCE });
    expect(protectedHeader).toEqual({ alg, kid: "2026-11", typ: "JWT" });
  });

  test("does not verify with another trust domain's, not even under the same kid (R81)", async () => {
    const token = await jwtSvid(key, alg);
    const sameKid = verificationKeys(await servedBundle("bank.example", [signingKey("2026-11", kind)]));
    const otherKid = verificationKeys(await servedBundle("bank.example", [signingKey("a", kind)]));
    expect(await failure(jwtVerify(token, sameKid, demands(alg)))).toBe("ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
    expect(await failure(jwtVerify(token, otherKid, demands(alg)))).toBe("ERR_JWKS_NO_MATCHING_KEY");
  });

  test("does not verify once its key has left the bundle (R21, R50)", async () => {
    const keys = verificationKeys(await servedBundle("shop.example", []));
    expect(await failure(jwtVerify(await jwtSvid(key, alg), keys, demands(alg)))).toBe("ERR_JWKS_NO_MATCHING_KEY");
  });
});

test("a CA of the bundle signs no JWT-SVID: its key is not among the jwt-svid keys (R44)", async () => {
  const ca = testCa({ trustDomain: "shop.example" });
  const keys = verificationKeys(await servedBundle("shop.example", [signingKey("a", "p256")], ca));
  const token = await jwtSvid({ kid: "a", privateKey: ca.privateKey }, "ES256");
  expect(await failure(jwtVerify(token, keys, demands("ES256")))).toBe("ERR_JWS_SIGNATURE_VERIFICATION_FAILED");
});

test("another algorithm than the key's is refused before the key is looked at (S29)", async () => {
  const rsa = signingKey("a", "rsa");
  const body = await servedBundle("shop.example", [rsa]);
  const publicPem = createPublicKey(rsa.privateKey).export({ type: "spki", format: "pem" }) as string;
  const forged = await new SignJWT({ sub: "spiffe://shop.example/web", aud: AUDIENCE })
    .setProtectedHeader({ alg: "HS256", kid: "a", typ: "JWT" })
    .setExpirationTime("5m")
    .sign(Buffer.from(publicPem));
  for (const token of [forged, await jwtSvid(rsa, "PS256")]) {
    expect(await failure(jwtVerify(token, verificationKeys(body), demands("RS256")))).toBe("ERR_JOSE_ALG_NOT_ALLOWED");
  }
});

test("as it is served the use is jwt-svid, which jose takes for none of its own (R24)", async () => {
  const key = signingKey("a", "p256");
  const body = await servedBundle("shop.example", [key]);
  const unmapped = createLocalJWKSet(JSON.parse(body.toString()));
  const token = await jwtSvid(key, "ES256");
  expect(await failure(jwtVerify(token, unmapped, demands("ES256")))).toBe("ERR_JWKS_NO_MATCHING_KEY");
});
