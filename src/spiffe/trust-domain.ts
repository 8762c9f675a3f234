import type { Brand } from "../brand.ts";
import { Refusal } from "../errors.ts";

/** A SPIFFE trust domain name: `shop.example`, without the scheme. */
export type TrustDomain = Brand<string, "TrustDomain">;

const NAME = /^[a-z0-9._-]{1,255}$/;

/** Whether a text has the form of a trust domain name. */
export const isTrustDomain = (text: string): text is TrustDomain => NAME.test(text);

/**
 * Reads a trust domain name. Upper case is refused, not folded, as go-spiffe does (R3); an IPv4 address is a
 * name like any other (R5).
 * @param pointer JSON pointer of the member it came from
 * @throws {Refusal} `invalid-trust-domain` (R2 to R5, R10)
 */
export function parseTrustDomain(text: string, pointer?: string): TrustDomain {
  if (isTrustDomain(text)) return text;
  const options = pointer === undefined ? {} : { pointer };
  throw new Refusal("invalid-trust-domain", `"${text.slice(0, 300)}" is not a trust domain name`, options);
}
