import type { Brand } from "../brand.ts";
import { Refusal } from "../errors.ts";
import type { TrustDomain } from "./trust-domain.ts";

/** A SPIFFE ID: `spiffe://shop.example/till`, or `spiffe://shop.example` for the trust domain itself. */
export type SpiffeId = Brand<string, "SpiffeId">;

const MAX_BYTES = 2048;
const ID = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[a-zA-Z0-9._-]+)*)$/;
const DOT_SEGMENT = /\/\.{1,2}(?=\/|$)/;

/**
 * Reads a SPIFFE ID. Nothing is folded, decoded or normalised (R3, R6, R11): two IDs are equal if their texts are.
 * @throws {Refusal} `invalid-spiffe-id` (R1 to R10)
 */
export function parseSpiffeId(text: string): SpiffeId {
  const path = text.length <= MAX_BYTES ? ID.exec(text)?.[2] : undefined;
  if (path === undefined || DOT_SEGMENT.test(path)) {
    throw new Refusal("invalid-spiffe-id", `"${text.slice(0, 300)}" is not a SPIFFE ID`);
  }
  return text as SpiffeId;
}

export const trustDomainOf = (id: SpiffeId): TrustDomain => id.split("/")[2] as TrustDomain;

/** The path with its leading slash; empty for the ID of the trust domain itself. Case-sensitive (R11). */
export const pathOf = (id: SpiffeId): string => id.slice("spiffe://".length + trustDomainOf(id).length);

/**
 * The ID of a trust domain (`path` is empty) or of something in it (`/…`).
 * @throws {Refusal} `invalid-spiffe-id`
 */
export function spiffeIdOf(trustDomain: TrustDomain, path: string): SpiffeId {
  if (path !== "" && !path.startsWith("/")) {
    throw new Refusal("invalid-spiffe-id", `The path "${path.slice(0, 300)}" does not start with a slash`);
  }
  return parseSpiffeId(`spiffe://${trustDomain}${path}`);
}
