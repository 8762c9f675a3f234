import type { Brand } from "../brand.ts";
import { Refusal } from "../errors.ts";

/** A SPIFFE trust domain name: `shop.example`, without the scheme. */
export type TrustDomain = Brand<string, "TrustDomain">;

const NAME = /^[a-z0-9._-]{1,255}$/;

/**
 * Reads a trust domain name. Upper case is refused, not folded, as go-spiffe does (R3); an IPv4 address is a
 * name like any other (R5).
 * @throws {Refusal} `invalid-trust-domain` (R2 to R5, R10)
 */
export function parseTrustDomain(text: string): TrustDomain {
  if (!NAME.test(text)) throw new Refusal("invalid-trust-domain", `"${text.slice(0, 300)}" is not a trust domain name`);
  return text as TrustDomain;
}

/**
 * `parseTrustDomain` of a member of a request.
 * @param pointer JSON pointer of the member
 * @throws {Refusal} `invalid-trust-domain`
 */
export function parseTrustDomainAt(text: string, pointer: string): TrustDomain {
  if (!NAME.test(text)) throw new Refusal("invalid-trust-domain", `"${text.slice(0, 300)}" is not a trust domain name`, { pointer });
  return text as TrustDomain;
}
