import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Socket } from "node:net";
import { beforeHandlers } from "./before-handlers.ts";

/**
 * Closes a connection after its last request (S58). What a client sent behind that one is not taken and not answered
 * (RFC 9112, 9.6); Node's own limit answers it 503 without a word. Called once the server has its handler.
 */
export function closeAfter(requests: number, server: Server | SecureServer): void {
  const counts = new WeakMap<Socket, number>();
  beforeHandlers<[IncomingMessage, ServerResponse]>(server, "request", (goOn, { socket }, response) => {
    const count = (counts.get(socket) ?? 0) + 1;
    counts.set(socket, count);
    if (count > requests) return;
    if (count === requests) response.shouldKeepAlive = false;
    goOn();
  });
}
