import { createPublicKey } from "node:crypto";
import type { Upload } from "../../src/bundle/upload.ts";
import type { JsonValue } from "../../src/json/json-value.ts";
import type { Authority } from "../../src/pki/authority.ts";
import { jwtAuthority } from "../../src/pki/jwt-key.ts";
import { parseTrustDomain, type TrustDomain } from "../../src/spiffe/trust-domain.ts";
import { DAY_MS, type EpochMs, HOUR_MS } from "../../src/time.ts";
import { NOON } from "../support/store-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { testKey } from "../support/test-keys.ts";

/** An authority that may be uploaded, and the upload that brings it. */
export interface Material {
  readonly authority: Authority;
  readonly upload: Upload;
}

export const TRUST_DOMAINS: readonly TrustDomain[] = ["shop.example", "bank.example", "mill.example"].map((name) =>
  parseTrustDomain(name),
);

/** Lives of the CAs of each trust domain: two end together, three days hold most deadlines, one outlives every test. */
const LIVES: readonly EpochMs[] = [HOUR_MS, 3 * HOUR_MS, 3 * HOUR_MS, 20 * HOUR_MS, 2 * DAY_MS, 2000 * DAY_MS];

/** Six CAs and a JWT key for each trust domain: made once, since keys are slow. */
export const materials: ReadonlyMap<TrustDomain, readonly Material[]> = new Map(
  await Promise.all(TRUST_DOMAINS.map(async (name) => [name, await materialsOf(name)] as const)),
);

async function materialsOf(trustDomain: TrustDomain): Promise<Material[]> {
  const cas = LIVES.map((life) => {
    const ca = testCa({ trustDomain, notBefore: NOON - 1000 * DAY_MS, notAfter: NOON + life });
    return { authority: ca.authority(NOON), upload: { pem: ca.certificatePem } };
  });
  const jwk = { ...createPublicKey(testKey("p256")).export({ format: "jwk" }), kid: `signer of ${trustDomain}` };
  return [...cas, { authority: await jwtAuthority(jwk), upload: { jwk: jwk as unknown as JsonValue } }];
}
