import { Refusal } from "../errors.ts";
import type { JsonValue } from "../json/json-value.ts";
import type { Sha256Hex, Warning } from "../pki/authority.ts";
import { x509Authority } from "../pki/authority-profile.ts";
import { jwtAuthority } from "../pki/jwt-key.ts";
import { certificatesFromPem, inBlock } from "../pki/pem.ts";
import { sha256Hex } from "../pki/public-key.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { EpochMs } from "../time.ts";
import { readBundleDocument } from "./bundle-document.ts";
import { type Placed, type Reading, readAt, withoutRepeats } from "./reading.ts";

/** The three ways to send authorities: PEM of CA certificates, one JWT key, a whole SPIFFE bundle. */
export type Upload = { readonly pem: string } | { readonly jwk: JsonValue } | { readonly bundle: JsonValue };

/**
 * Reads an upload whole or not at all. A bundle's sequence and hint are checked and go no further: what is served has
 * a sequence of the broker's own.
 * @throws {Refusal} with a pointer such as `/pem`, `/jwk` or `/bundle/keys/0`; codes as in `readBundleDocument`, and
 * `invalid-pem`
 */
export async function readUpload(upload: Upload, trustDomain: TrustDomain, now: EpochMs): Promise<Reading> {
  if ("pem" in upload) return readAt("/pem", () => readPem(upload.pem, trustDomain, now));
  if ("jwk" in upload)
    return readAt("/jwk", async () => withoutRepeats([{ authority: await jwtAuthority(upload.jwk), pointer: "" }]));
  return readAt("/bundle", async () => {
    const { authorities, warnings, places } = await readBundleDocument(upload.bundle, trustDomain, now);
    return { authorities, warnings, places };
  });
}

/** What tells an authority from others of its trust domain. */
export interface Identity {
  readonly fingerprint: Sha256Hex;
  /** Of a JWT signing key. */
  readonly keyId: string | null;
}

/**
 * Whose upload it is, without the rules for new authorities: what was registered may have expired since.
 * @throws {Refusal} with a pointer such as `/pem` or `/jwk`: `invalid-pem` for more than one certificate, and
 * whatever keeps it from being read
 */
export async function identityOf(upload: { readonly pem: string } | { readonly jwk: JsonValue }): Promise<Identity> {
  const [place, identify] =
    "pem" in upload
      ? ["/pem", async () => ({ fingerprint: sha256Hex(onlyCertificate(upload.pem)), keyId: null })]
      : ["/jwk", () => jwtAuthority(upload.jwk)];
  const { fingerprint, keyId } = await readAt(place, async () => ({ ...(await identify()), warnings: [] }));
  return { fingerprint, keyId };
}

function onlyCertificate(pem: string): Uint8Array {
  const [first, ...more] = certificatesFromPem(pem);
  if (first === undefined || more.length > 0)
    throw new Refusal("invalid-pem", "there is more than one certificate", { extra: { block: 2 } });
  return first;
}

async function readPem(pem: string, trustDomain: TrustDomain, now: EpochMs): Promise<Reading> {
  const placed: Placed[] = [];
  const warned: Warning[] = [];
  for (const [index, der] of certificatesFromPem(pem).entries()) {
    const block = index + 1;
    const { authority, warnings } = inBlock(block, () => x509Authority(der, trustDomain, now));
    placed.push({ authority, pointer: "", block });
    warned.push(...warnings.map((warning) => ({ ...warning, block })));
  }
  const { warnings, ...read } = withoutRepeats(placed);
  return { ...read, warnings: [...warned, ...warnings] };
}
