import type { Brand } from "./brand.ts";
import { Refusal } from "./errors.ts";

/** Scheme, host and port of an https URL: `https://broker.example:8443`, never with a slash at its end. */
export type HttpsOrigin = Brand<string, "HttpsOrigin">;

/**
 * Reads an https URL that has no path, query, fragment or user (R60).
 * @throws {Refusal} `invalid-request`
 */
export function parseHttpsOrigin(text: string): HttpsOrigin {
  const url = URL.parse(text);
  if (url?.protocol !== "https:" || url.href !== `${url.origin}/` || /[?#]/.test(text)) {
    throw new Refusal("invalid-request", `"${text.slice(0, 300)}" is not an https URL of a host and a port alone`);
  }
  return url.origin as HttpsOrigin;
}
