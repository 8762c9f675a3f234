import { createPublicKey } from "node:crypto";
import type { JsonObject } from "../../src/json/json-value.ts";
import { parseJson } from "../../src/json/parse-json.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { type TestCa, testCa } from "../support/test-ca.ts";
import { type TestKeyKind, testKey } from "../support/test-keys.ts";

export const TRUST_DOMAIN = parseTrustDomain("shop.example");
export const NOW = Date.now();

/** One CA of the trust domain, made once: a test that needs a second one makes it. */
export const shopCa: TestCa = testCa({ trustDomain: TRUST_DOMAIN });

const publicJwk = (kind: TestKeyKind) => createPublicKey(testKey(kind)).export({ format: "jwk" });

/** What SPIRE writes for a CA, with what the test changes about it. */
export const x509Entry = (ca: TestCa = shopCa, changes: object = {}) => ({
  use: "x509-svid",
  ...ca.certificate.publicKey.jwk,
  x5c: [Buffer.from(ca.der).toString("base64")],
  ...changes,
});

export const jwtEntry = (kid: string, changes: object = {}, kind: TestKeyKind = "p256") => ({
  use: "jwt-svid",
  kid,
  ...publicJwk(kind),
  ...changes,
});

/** As it comes in: written, then read by the one parser. A member set to undefined is absent. */
export const asJson = (value: unknown): JsonObject => parseJson(JSON.stringify(value)) as JsonObject;

export const bundleOf = (keys: readonly unknown[], members: object = {}): JsonObject => asJson({ keys, ...members });
