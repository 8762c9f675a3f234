import { STATUS_CODES } from "node:http";
import { Refusal } from "../errors.ts";
import type { Unreadable } from "../listener/unreadable.ts";
import { ADMIN_HEADERS, OF_NO_ROUTE, type RefusalListener } from "./error-answers.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";

const MESSAGES: Readonly<Record<Unreadable, string>> = {
  "malformed-request": "this is not an HTTP/1.1 request",
  "method-not-allowed": "no path knows this method",
  "headers-too-large": "the header block is too large",
  "request-timeout": "the request took too long",
};
/** Of any path: which one was meant is not known where the request line could not be read. */
const ALLOW = "DELETE, GET, HEAD, PATCH, POST, PUT";

/** What is said to what Node's parser could make no request of; nothing of it is repeated (S33, S56). */
export const unreadableAnswer =
  (newRequestId: () => string, listener: RefusalListener) =>
  (why: Unreadable): string => {
    const refusal = new Refusal(why, MESSAGES[why]);
    void listener.refused(OF_NO_ROUTE, refusal);
    return rawAnswer(refusal, newRequestId());
  };

function rawAnswer(refusal: Refusal, requestId: string): string {
  const body = JSON.stringify(problemOf(refusal, requestId));
  const headers = {
    ...ADMIN_HEADERS,
    ...(refusal.code === "method-not-allowed" ? { allow: ALLOW } : {}),
    "content-type": PROBLEM_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${lines.join("")}\r\n${body}`;
}
