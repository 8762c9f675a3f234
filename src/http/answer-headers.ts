import { catalogue, type ErrorCode } from "../errors.ts";
import type { RateDecision } from "./admin-limits.ts";
import type { Endpoint } from "./endpoint.ts";

/** What answers carry beside what every answer has, by the names under which the contract declares them. */
export const answerHeaders = {
  ETag: "What to send as If-Match with a change of it, or as If-None-Match with the next read.",
  "Idempotency-Replayed": "`true` where it is the answer to an earlier request under the same Idempotency-Key.",
  Link: 'The next page (RFC 8288, `rel="next"`); absent on the last.',
  Location: "Path of what was made.",
  RateLimit: "What is left of the credential's rate: `r` requests, and `t` seconds until all are there again.",
  "RateLimit-Policy":
    "The rate: `q` requests in `w` seconds. `default` is the credential's, `refused-credentials` that of an address.",
  "Retry-After": "Seconds to wait before it is sent again.",
  Vary: "`accept`: there are other forms of it.",
  "WWW-Authenticate": "Which credential is asked for.",
} as const;

type AnswerHeader = keyof typeof answerHeaders;

/** What is refused for the time being: it says when to send it again, and whoever sent it has attempted nothing yet. */
export const isForNow = (code: ErrorCode): boolean =>
  [429, 503].includes(catalogue[code].status) || code === "idempotency-key-in-use";

/** Refused before it is known whose rate it is. */
const BEFORE_THE_RATE: ReadonlySet<number> = new Set([401, 408, 417, 421, 431]);

/** Which headers an operation's answers of one status may carry, for the contract: what sends one is told of here. */
export function answerHeadersOf(endpoint: Endpoint, status: number, codes: ReadonlySet<ErrorCode>): AnswerHeader[] {
  const { method, permission } = endpoint;
  const isKnown = permission !== "anybody";
  const isDone = status < 300;
  const isFound = isDone || status === 304;
  const isRead = method === "GET";
  const mayPass = [...codes].some((code) => catalogue[code].status === status && isForNow(code));
  const sent: Record<AnswerHeader, boolean> = {
    ETag: isKnown && (isRead ? isFound : isDone && (method === "PATCH" || method === "PUT")),
    "Idempotency-Replayed": isDone && method === "POST",
    Link: isRead && isFound && endpoint.pages === true,
    Location: status === 201,
    RateLimit: isKnown && !BEFORE_THE_RATE.has(status),
    "RateLimit-Policy": isKnown && !BEFORE_THE_RATE.has(status),
    "Retry-After": mayPass || (isRead && endpoint.unready !== undefined && status === 503),
    Vary: isRead && endpoint.stream !== undefined && (isFound || status === 406),
    "WWW-Authenticate": status === 401,
  };
  return (Object.keys(sent) as AnswerHeader[]).filter((name) => sent[name]);
}

/** What a rate says of itself (draft-ietf-httpapi-ratelimit-headers). */
export const rateHeaders = ({ policy, limit, windowSeconds, remaining, resetSeconds }: RateDecision) => ({
  "ratelimit-policy": `"${policy}";q=${limit};w=${windowSeconds}`,
  ratelimit: `"${policy}";r=${remaining};t=${resetSeconds}`,
});
