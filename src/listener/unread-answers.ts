import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Socket } from "node:net";

/**
 * Cuts a connection off whose client takes nothing of its answer for `limitMs`, twice that at the latest: it holds a socket
 * and the answer (S58). Who reads slowly is read to the end: Node holds the time against what is still to be written. An
 * answer that is being made is waited for.
 */
export function cutUnreadAnswers(server: Server | SecureServer, limitMs: number): void {
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    // Node takes it back when there is nothing left to answer, and closes a connection whose time is up unless its answer
    // hears of it.
    socket.setTimeout(limitMs);
    response.on("timeout", cutIfUnread);
  });
}

function cutIfUnread(socket: Socket): void {
  if (socket.writableLength > 0) socket.destroy();
}
