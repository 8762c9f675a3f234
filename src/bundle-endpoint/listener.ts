import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { addressKey } from "../address-key.ts";
import { beforeHandlers } from "../before-handlers.ts";
import { closeGracefully } from "../graceful-close.ts";
import { closeAfter } from "../last-request.ts";
import type { ListenAddress } from "../listen-address.ts";
import { beginsARequest } from "../request-line.ts";
import { cannedProblem, rawAnswer } from "./canned.ts";
import { type ConnectionLimits, connectionLimits } from "./connection-limits.ts";
import type { CounterWriter } from "./counters.ts";
import type { EndpointLimits } from "./endpoint-limits.ts";
import { type BundleHandler, METHOD_NOT_ALLOWED } from "./handler.ts";
import { requireFittingKey, type ServingCertificate, tlsOptions } from "./tls-options.ts";

/** One bound address of the public endpoint. HTTP/1.1 only (S60). */
export interface Listener {
  /** Where it really listens. */
  readonly address: ListenAddress;
  /** Serves new connections with another certificate; open ones go on. Throws, and changes nothing, on an unusable one. */
  useCertificate(certificate: ServingCertificate): void;
  /** Stops accepting, lets open requests end for `graceMs`, then closes what is left. */
  close(graceMs: number): Promise<void>;
}

export async function startListener(
  { host, port }: ListenAddress,
  certificate: ServingCertificate,
  handler: BundleHandler,
  limits: EndpointLimits,
  counters: CounterWriter,
): Promise<Listener> {
  requireFittingKey(certificate);
  const connections = connectionLimits(limits);
  const server = createServer(
    {
      ...tlsOptions(certificate),
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: limits.handshakeTimeoutMs,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: limits.connectionCheckMs,
      // Ours to answer.
      requireHostHeader: false,
      maxHeaderSize: limits.headerBytes,
      // A poll has no body: no stream is made for one.
      optimizeEmptyRequests: true,
    },
    handler((address) => connections.noteSuccess(addressKey(address), performance.now())),
  );
  closeAfter(limits.requestsPerConnection, server);
  limitConnections(server, connections, counters);
  answerMalformed(server, counters);
  server.on("tlsClientError", (_error, socket) => {
    counters.add("tlsFailures");
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen({ host, port }, resolve));
  const bound = server.address();
  return {
    address: { host, port: typeof bound === "object" && bound !== null ? bound.port : port },
    useCertificate(next) {
      requireFittingKey(next);
      server.setSecureContext(tlsOptions(next));
    },
    close: (graceMs) => closeGracefully(server, promisify(server.close.bind(server)), graceMs),
  };
}

/** A refused connection costs no TLS: its handshake is never begun (S59). */
function limitConnections(server: Server, connections: ConnectionLimits, counters: CounterWriter): void {
  beforeHandlers<[Socket]>(server, "connection", (beginHandshake, socket) => {
    const admission = connections.admit(addressKey(socket.remoteAddress ?? ""), performance.now());
    if (admission === null) {
      counters.add("connectionsRefused");
      socket.destroy();
      return;
    }
    counters.add("connectionsOpen");
    socket.once("close", () => {
      admission.release();
      counters.add("connectionsOpen", -1);
    });
    beginHandshake();
  });
}

const EXPECTATION_FAILED = cannedProblem("expectation-failed", ["Connection", "close"]);
const MALFORMED = rawAnswer(cannedProblem("malformed-request"));
const ANSWERS: Readonly<Record<string, Buffer>> = {
  HPE_INVALID_METHOD: rawAnswer(METHOD_NOT_ALLOWED),
  HPE_HEADER_OVERFLOW: rawAnswer(cannedProblem("headers-too-large")),
  ERR_HTTP_REQUEST_TIMEOUT: rawAnswer(cannedProblem("request-timeout")),
};

/** Answers what is not a request without a word of it: a path may hold a token (S33). CONNECT is no request of ours. */
function answerMalformed(server: Server, counters: CounterWriter): void {
  server.on("clientError", (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: TLSSocket) => {
    counters.add("malformedRequests");
    const isNone = error.code === "HPE_INVALID_METHOD" && !beginsARequest(error.rawPacket);
    // After an answer on this connection a second one could land in the middle of the first.
    if (socket.writable && socket.bytesWritten === 0)
      socket.end((isNone ? undefined : ANSWERS[error.code ?? ""]) ?? MALFORMED);
    else socket.destroy();
  });
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    counters.add("malformedRequests");
    response.writeHead(EXPECTATION_FAILED.status, EXPECTATION_FAILED.headers).end(EXPECTATION_FAILED.body);
  });
  server.on("connect", (_request, socket) => socket.end(ANSWERS.HPE_INVALID_METHOD));
}
