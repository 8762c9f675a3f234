import { isIP } from "node:net";

/** The host of a `Host` header without its port, in lower case and without brackets; null where it is not of that form. */
export function hostOf(header: string): string | null {
  const [, bracketed, plain] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:@/?#[\]\s]+))(?::\d{1,5})?$/.exec(header) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? bracketed.toLowerCase() : null;
  return plain?.toLowerCase() ?? null;
}

interface RequestHead {
  readonly httpVersion: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/**
 * RFC 9112, 3.2: a request has one Host header; of HTTP/1.0 it may have none. Node takes the first of two, and its own
 * answer to none says nothing: our servers leave that to this.
 */
export function hasItsHost({ httpVersion, rawHeaders }: RequestHead): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts === 1 || (hosts === 0 && httpVersion === "1.0");
}
