import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Authority, Sha256Hex } from "../pki/authority.ts";
import { pemOf } from "../pki/pem.ts";
import { canonicalOrder } from "./published.ts";

export type ProjectionName = "spiffe" | "istio" | "pem";

/** One rendering of a bundle for a kind of consumer. */
export interface Projection {
  readonly contentType: string;
  readonly body: Buffer;
}

/**
 * Renders what is served of one trust domain: the same authorities, in whatever order, give the same bytes.
 * - `spiffe`: the document that every known consumer accepts (spiffe-conformance.md §2.6 (b)). go-jose, which SPIRE and
 *   go-spiffe read with, knows all key kinds that the authority profile lets in.
 * - `istio`: its X.509 entries only; istiod reads no others, and its go-jose knows the same kinds.
 * - `pem`: the certificates; without any, no bytes.
 * @param refreshHintSeconds always served: consumers differ in what its absence means to them
 * @param sequence a positive integer of at most 2^53 - 1 (R16, S3)
 */
export function renderProjections(
  authorities: readonly Authority[],
  refreshHintSeconds: number,
  sequence: number,
): Record<ProjectionName, Projection> {
  const ordered = canonicalOrder(authorities);
  const x509 = ordered.filter((authority) => authority.type === "x509");
  const spiffe = renderDocument(ordered, refreshHintSeconds, sequence);
  return {
    spiffe,
    // Most bundles have no JWT key: one document serves both, in memory too.
    istio: x509.length === ordered.length ? spiffe : renderDocument(x509, refreshHintSeconds, sequence),
    pem: {
      contentType: "application/pem-certificate-chain",
      body: Buffer.from(x509.map(({ certificate }) => pemOf(certificate)).join("")),
    },
  };
}

/** What makes a revision another one: SHA-256 of the canonical JSON (RFC 8785) of its keys and hint, not its sequence. */
export function revisionDigest(authorities: readonly Authority[], refreshHintSeconds: number): Sha256Hex {
  const content = { keys: canonicalOrder(authorities).map(toEntry), spiffe_refresh_hint: refreshHintSeconds };
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}

function renderDocument(authorities: readonly Authority[], refreshHint: number, sequence: number): Projection {
  const document = { keys: authorities.map(toEntry), spiffe_refresh_hint: refreshHint, spiffe_sequence: sequence };
  return { contentType: "application/json", body: Buffer.from(canonicalJson(document)) };
}

/** These members and no others (R25): `kid` for JWT keys (R43) and never for X.509 (R33), exactly one `x5c` (R34). */
const toEntry = (authority: Authority) =>
  authority.type === "x509"
    ? { ...authority.jwk, use: "x509-svid", x5c: [authority.certificate] }
    : { ...authority.jwk, use: "jwt-svid", kid: authority.keyId };

/** Undefined only for what is no JSON, which a document of ours never is. */
const canonicalJson = (value: object): string => canonicalize(value) as string;
