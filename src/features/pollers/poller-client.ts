import { hash } from "node:crypto";
import type { EpochMs } from "../../time.ts";

/** A kind of client software that polled with a poller's URL, by what it says of itself (docs/decisions/0016). */
export interface PollerClient {
  readonly pollerId: string;
  /** SHA-256 of its products and its TLS library. */
  readonly fingerprint: string;
  /** The product names of its User-Agent; empty where it names none. */
  readonly products: string;
  /** When it polled first. */
  readonly at: EpochMs;
}

/** A poll by a client of a kind that the broker may not know yet. */
export interface ClientSeen extends PollerClient {
  /** The client's address. */
  readonly source: string;
}

/** Kinds that are remembered of a poller. Further ones are no event: whoever has the URL must not fill the log. */
export const MAX_CLIENTS = 8;

/** Of a User-Agent no more is read: a poll must cost little whatever it sends. */
const MAX_READ = 1_024;
const MAX_PRODUCTS = 4;
const MAX_NAME = 32;
/** A part of RFC 9110's token that is safe wherever it is shown. A version that stands alone is no name. */
const NAME = /^(?!v\d)[a-z][\w.-]*/i;

/** The names of the first products of a User-Agent, without versions and comments: an upgrade is no other kind. */
export function productsOf(userAgent: string | undefined): string {
  const names = withoutComments(userAgent?.slice(0, MAX_READ) ?? "")
    .split(/\s+/)
    .flatMap((product) => NAME.exec(product)?.[0].slice(0, MAX_NAME) ?? []);
  return [...new Set(names)].slice(0, MAX_PRODUCTS).join(" ");
}

/** Comments may hold others; one without an end goes on to the end. */
function withoutComments(text: string): string {
  let depth = 0;
  let outside = "";
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === "(") depth++;
    if (depth === 0) outside += character;
    else if (character === "\\") index++;
    else if (character === ")" && --depth === 0) outside += " ";
  }
  return outside;
}

/** @param library what the TLS handshake says of the client's library */
export const fingerprintOf = (products: string, library: string): string => hash("sha256", `${products}\n${library}`);
