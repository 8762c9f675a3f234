import { Refusal } from "../errors.ts";
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../json/json-value.ts";
import type { Authority, PublicJwk, Warning } from "../pki/authority.ts";
import { x509Authority } from "../pki/authority-profile.ts";
import { jwtAuthority } from "../pki/jwt-key.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { EpochMs } from "../time.ts";

/** One entry of a bundle's `keys`; `authority` is null where a consumer must ignore the entry. */
export interface BundleEntry {
  readonly authority: Authority | null;
  /** Pointers are relative to the entry. */
  readonly warnings: readonly Warning[];
}

const KNOWN_KTY = new Set(["RSA", "EC", "OKP"]);

/**
 * Reads one entry. One of an unknown `kty` or `use`, without `use`, or without its certificate is ignored with a
 * warning (R20, R35); `wit-svid` counts as unknown.
 * @throws {Refusal} `bundle-entry`, `x5c-mismatch`, or a code of the authority profile or of the JWT key
 */
export async function readBundleEntry(entry: JsonValue, trustDomain: TrustDomain, now: EpochMs): Promise<BundleEntry> {
  if (!isJsonObject(entry)) throw broken("An entry of `keys` must be an object");
  const { kty, use } = entry;
  if (typeof kty !== "string") throw broken("The entry has no `kty` (R23)");
  if (!KNOWN_KTY.has(kty)) return ignored(`Its kty ${quoted(kty)} is not known`);
  if (use === undefined) return ignored("It has no `use`");
  if (typeof use !== "string") throw broken("`use` must be a string (R24)");
  if (use === "x509-svid") return readX509Entry(entry, trustDomain, now);
  if (use === "jwt-svid") return { authority: await jwtAuthority(entry), warnings: [] };
  return ignored(`Its use ${quoted(use)} is not known`);
}

function readX509Entry(entry: JsonObject, trustDomain: TrustDomain, now: EpochMs): BundleEntry {
  const { x5c = [], kid } = entry;
  if (!isJsonArray(x5c)) throw broken("`x5c` must be an array (R34)");
  const [certificate, ...further] = x5c;
  if (certificate === undefined) return ignored("It has no certificate in `x5c`");
  const { authority, warnings } = x509Authority(fromBase64(certificate), trustDomain, now);
  requireKeyOfCertificate(entry, authority.jwk);
  const own: Warning[] = [];
  if (further.length > 0) {
    const message = `Only the first of ${x5c.length} certificates in \`x5c\` counts (R35)`;
    own.push({ code: "further-certificates-ignored", message, pointer: "/x5c/1" });
  }
  if (kid !== undefined) {
    own.push({ code: "key-id-ignored", message: "An x509-svid entry must not have a `kid` (R33)", pointer: "/kid" });
  }
  return { authority, warnings: [...own, ...warnings] };
}

/** Base64 in the one way to write it (R34): standard alphabet, padded, no white space, no stray bits. */
function fromBase64(text: JsonValue): Uint8Array {
  if (typeof text !== "string") throw broken("`x5c` must hold strings (R34)");
  const bytes = Buffer.from(text, "base64");
  if (bytes.length === 0 || bytes.toString("base64") !== text) throw broken("`x5c` is not standard base64 (R34)");
  return bytes;
}

/** R86: go-jose refuses the whole bundle otherwise. */
function requireKeyOfCertificate(entry: JsonObject, jwk: PublicJwk): void {
  for (const [name, value] of Object.entries(jwk)) {
    if (entry[name] !== value) throw new Refusal("x5c-mismatch", `\`${name}\` is not that of the certificate's key`);
  }
}

const broken = (message: string) => new Refusal("bundle-entry", message);

const ignored = (why: string): BundleEntry => ({
  authority: null,
  warnings: [{ code: "entry-ignored", message: `The entry is ignored: ${why}`, pointer: "" }],
});

const quoted = (text: string) => JSON.stringify(text.slice(0, 64));
