import type { Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { addressKey } from "../address-key.ts";
import { beforeHandlers } from "./before-handlers.ts";
import type { ConnectionCounter } from "./connection-counts.ts";
import { type ConnectionCaps, type ConnectionLimits, connectionLimits } from "./connection-limits.ts";
import { closeAfter } from "./last-request.ts";
import { lingerAtClose } from "./lingering-close.ts";
import { cutUnreadAnswers } from "./unread-answers.ts";
import { turnAwayUnreadable, type Unreadable } from "./unreadable.ts";

/** How much one connection may take, and how many there may be (S58, S59). */
export interface GuardLimits extends ConnectionCaps {
  readonly requestsPerConnection: number;
  readonly unreadAnswerMs: number;
}

/** In what listeners differ: the bytes that they answer, and where they count. */
export interface Guarded {
  /** The whole answer to what is no request. */
  readonly answer: (why: Unreadable) => string | Uint8Array;
  readonly counter: ConnectionCounter;
}

export interface ConnectionGuard {
  /** An address has shown who it is: for an hour it has a reserve of its own (S59). */
  noteSuccess(address: string): void;
}

/**
 * Every connection to a listener ends, whatever its client does or leaves undone, and none takes the place of another's
 * (S58, S59). All that a listener needs for it beside Node's own timeouts; called once the server has its handler.
 */
export function guardConnections(
  server: Server | SecureServer,
  limits: GuardLimits,
  { answer, counter }: Guarded,
): ConnectionGuard {
  closeAfter(limits.requestsPerConnection, server);
  const lastWord = lingerAtClose(server);
  turnAwayUnreadable(server, lastWord, (why) => {
    counter.add("malformedRequests");
    return answer(why);
  });
  cutUnreadAnswers(server, limits.unreadAnswerMs);
  dropFailedHandshakes(server, counter);
  const connections = connectionLimits(limits);
  limitConnections(server, connections, counter);
  return { noteSuccess: (address) => connections.noteSuccess(addressKey(address), performance.now()) };
}

/** https asks for an answer to them as to a request: without a session it would never leave, nor the connection end. */
function dropFailedHandshakes(server: Server | SecureServer, counter: ConnectionCounter): void {
  server.removeAllListeners("tlsClientError");
  server.on("tlsClientError", (_error: Error, socket: TLSSocket) => {
    counter.add("tlsFailures");
    socket.destroy();
  });
}

/** A refused connection costs no TLS: its handshake is never begun. */
function limitConnections(
  server: Server | SecureServer,
  connections: ConnectionLimits,
  counter: ConnectionCounter,
): void {
  const open = new Set<Socket>();
  beforeHandlers<[Socket]>(server, "connection", (beginHandshake, socket) => {
    const admission = connections.admit(addressKey(socket.remoteAddress ?? ""), performance.now());
    if (admission === null) {
      counter.add("connectionsRefused");
      socket.destroy();
      return;
    }
    counter.add("connectionsOpen");
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      admission.release();
      counter.add("connectionsOpen", -1);
    });
    beginHandshake();
  });
  // Node's own knows neither one in its handshake nor one that it gave up: they would hold up a stop (L7).
  const closeKnown = server.closeAllConnections.bind(server);
  server.closeAllConnections = () => {
    closeKnown();
    for (const socket of open) socket.destroy();
  };
}
