import { STATUS_CODES } from "node:http";
import { catalogue, type ErrorCode } from "../errors.ts";
import { BUNDLE_ENDPOINT_HEADERS } from "../views/publication-reply.ts";

/**
 * An answer that is the same bytes for everybody, whatever was asked: it tells nobody what exists (S32). So its problem
 * has no request ID.
 */
export interface Canned {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Buffer;
}

export function cannedProblem(code: ErrorCode, extraHeaders: readonly string[] = []): Canned {
  const { status, title, mend } = catalogue[code];
  const problem = { type: `urn:entente:error:${code}`, title, status, code, detail: title, mend };
  return canned(status, "application/problem+json", JSON.stringify(problem), extraHeaders);
}

/** What a probe is told: `{status}`, and of one that fails also `reasons`. */
export const cannedHealth = (reasons: readonly string[]): Canned =>
  reasons.length === 0
    ? canned(200, "application/json", JSON.stringify({ status: "ok" }), [])
    : canned(503, "application/json", JSON.stringify({ status: "not-ready", reasons }), ["Retry-After", "1"]);

function canned(status: number, contentType: string, text: string, extraHeaders: readonly string[]): Canned {
  const body = Buffer.from(text);
  const headers = [
    "Content-Type",
    contentType,
    "Content-Length",
    String(body.byteLength),
    "Cache-Control",
    "private, no-cache",
    ...BUNDLE_ENDPOINT_HEADERS,
    ...extraHeaders,
  ];
  return { status, headers, body };
}

/** The answer as it goes over the wire where no request was understood; the connection closes after it. */
export function rawAnswer({ status, headers, body }: Canned): Buffer {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`), body]);
}
