import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { promisify } from "node:util";
import type { ListenAddress } from "../listen-address.ts";
import { guardConnections } from "../listener/connection-guard.ts";
import { closeGracefully } from "../listener/graceful-close.ts";
import { serverOptions } from "../listener/server-options.ts";
import type { Unreadable } from "../listener/unreadable.ts";
import { cannedProblem, rawAnswer } from "./canned.ts";
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
  const server = createServer(
    {
      ...tlsOptions(certificate),
      ALPNProtocols: ["http/1.1"],
      ...serverOptions(limits),
      // A poll has no body: no stream is made for one.
      optimizeEmptyRequests: true,
    },
    handler((address) => guard.noteSuccess(address)),
  );
  // What a path holds may be a token: an answer has not a word of it (S33).
  const guard = guardConnections(server, limits, { answer: (why) => ANSWERS[why], counter: counters });
  refuseExpectations(server, counters);
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

const EXPECTATION_FAILED = cannedProblem("expectation-failed", ["Connection", "close"]);
const ANSWERS: Readonly<Record<Unreadable, Buffer>> = {
  "malformed-request": rawAnswer(cannedProblem("malformed-request")),
  "method-not-allowed": rawAnswer(METHOD_NOT_ALLOWED),
  "headers-too-large": rawAnswer(cannedProblem("headers-too-large")),
  "request-timeout": rawAnswer(cannedProblem("request-timeout")),
};

function refuseExpectations(server: Server, counters: CounterWriter): void {
  server.on("checkExpectation", (_request: IncomingMessage, response: ServerResponse) => {
    counters.add("malformedRequests");
    response.writeHead(EXPECTATION_FAILED.status, EXPECTATION_FAILED.headers).end(EXPECTATION_FAILED.body);
  });
}
