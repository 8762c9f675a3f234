import { createPublicKey, generateKeyPairSync, hash, randomBytes } from "node:crypto";
import { renderProjections } from "../src/bundle/projections.ts";
import type { X509Authority } from "../src/pki/authority.ts";
import { x509Authority } from "../src/pki/authority-profile.ts";
import { mintCertificate } from "../src/pki/mint.ts";
import { pemOf } from "../src/pki/pem.ts";
import { parseTrustDomain } from "../src/spiffe/trust-domain.ts";
import { DAY_MS } from "../src/time.ts";

/** The sequence under which every trust domain of a measurement is served. */
export const SEQUENCE = 7;
export const REFRESH_HINT_SECONDS = 300;

/** A self-issued CA, made by the parent and handed to both servers, so that they serve the same bytes by the same key. */
export function makeBenchIdentity(): NodeJS.ProcessEnv {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = { commonName: "bench" };
  const der = mintCertificate({
    subject,
    serial: randomBytes(16),
    notBefore: Date.now() - DAY_MS,
    notAfter: Date.now() + DAY_MS,
    publicKey: createPublicKey(privateKey),
    issuer: { name: subject, privateKey },
    ca: {},
    keyUsage: ["keyCertSign", "digitalSignature"],
    dnsNames: ["localhost"],
  });
  return {
    BENCH_CERTIFICATE: pemOf(der),
    BENCH_KEY: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    BENCH_DER: Buffer.from(der).toString("base64"),
  };
}

export const benchCertificate = () => ({ cert: fromParent("BENCH_CERTIFICATE"), key: fromParent("BENCH_KEY") });

export const benchAuthority = (): X509Authority =>
  x509Authority(Buffer.from(fromParent("BENCH_DER"), "base64"), parseTrustDomain("bench.example"), Date.now())
    .authority;

export function benchBundle() {
  const { body, contentType } = renderProjections([benchAuthority()], REFRESH_HINT_SECONDS, SEQUENCE).spiffe;
  return { body, contentType, etag: `"${hash("sha256", body, "hex")}"` };
}

function fromParent(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is set by bench/main.ts`);
  return value;
}
