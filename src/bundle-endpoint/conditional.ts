import { parseHttpDate } from "./http-date.ts";

/** What a conditional request comes to: send it all, or 304 and by which of its fields. */
export type Condition = "send" | "same-etag" | "any-etag" | "not-since";

/**
 * Evaluates the preconditions of a GET or HEAD (RFC 9110, 13.2.2): If-None-Match by weak comparison, and If-Modified-Since
 * only without it. A field that breaks its grammar is as if absent, so that the whole bundle is sent.
 * @param etag the strong entity tag of the current bytes, quotes included
 * @param lastModifiedSeconds whole seconds since the epoch
 */
export function evaluate(
  ifNoneMatch: string | undefined,
  ifModifiedSince: string | undefined,
  etag: string,
  lastModifiedSeconds: number,
): Condition {
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch === etag) return "same-etag";
    if (ifNoneMatch.trim() === "*") return "any-etag";
    return listsTag(ifNoneMatch, etag) ? "same-etag" : "send";
  }
  if (ifModifiedSince === undefined) return "send";
  const since = parseHttpDate(ifModifiedSince);
  return since !== null && lastModifiedSeconds <= since ? "not-since" : "send";
}

/** One entity tag, weak or strong, and the comma or end after it; sticky, so that a list is read in one pass. */
const NEXT_TAG = /[ \t,]*(?:W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)/y;

function listsTag(list: string, etag: string): boolean {
  NEXT_TAG.lastIndex = 0;
  for (let tag = NEXT_TAG.exec(list); tag !== null; tag = NEXT_TAG.exec(list)) {
    if (tag[1] === etag) return true;
  }
  return false;
}
