import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { type ErrorCode, Refusal } from "../errors.ts";
import { beginsARequest } from "../request-line.ts";
import { type RefusalListener, SAFE_HEADERS } from "./error-answers.ts";
import { PROBLEM_TYPE, problemOf } from "./problem.ts";

const CODES: Readonly<Record<string, ErrorCode>> = {
  HPE_INVALID_METHOD: "method-not-allowed",
  HPE_HEADER_OVERFLOW: "headers-too-large",
  ERR_HTTP_REQUEST_TIMEOUT: "request-timeout",
};
const MESSAGES: Partial<Record<ErrorCode, string>> = {
  "method-not-allowed": "no path knows this method",
  "headers-too-large": "the header block is too large",
  "request-timeout": "the request took too long",
};
/** Of any path: which one was meant is not known where the request line could not be read. */
const ALLOW = "DELETE, GET, HEAD, PATCH, POST, PUT";

/** Turns away what Node's parser could not make a request of; nothing of it is repeated (S33, S56). */
export function clientErrorHandler(newRequestId: () => string, listener: RefusalListener) {
  return (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Socket): void => {
    if (error.code === "ECONNRESET" || socket.destroyed) return;
    const isNone = error.code === "HPE_INVALID_METHOD" && !beginsARequest(error.rawPacket);
    const code = (isNone ? undefined : CODES[error.code ?? ""]) ?? "malformed-request";
    const refusal = new Refusal(code, MESSAGES[code] ?? "this is not an HTTP/1.1 request");
    void listener.refused({ endpoint: undefined, caller: undefined, meshId: undefined }, refusal);
    // After an answer on this connection a second one could land in the middle of the first.
    if (socket.writable && socket.bytesWritten === 0) socket.end(rawAnswer(refusal, newRequestId()));
    else socket.destroy();
  };
}

/** A tunnel is no request of ours: Node hands CONNECT past the router. */
export function refuseConnect(app: FastifyInstance, newRequestId: () => string): void {
  app.server.on("connect", (_request, socket) =>
    socket.end(rawAnswer(new Refusal("method-not-allowed", "no path knows this method"), newRequestId())),
  );
}

function rawAnswer(refusal: Refusal, requestId: string): string {
  const body = JSON.stringify(problemOf(refusal, requestId));
  const headers = {
    ...SAFE_HEADERS,
    ...(refusal.code === "method-not-allowed" ? { allow: ALLOW } : {}),
    "content-type": PROBLEM_TYPE,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${lines.join("")}\r\n${body}`;
}
