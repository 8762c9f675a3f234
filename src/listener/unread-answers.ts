import type { Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Socket } from "node:net";

/**
 * Cuts a connection off whose client takes nothing of its answer for `limitMs`, twice that at the latest: it holds a socket
 * and the answer (S58). Who reads slowly is read to the end: Node holds the time against what is still to be written. An
 * answer that is being made is waited for. It costs a request nothing: Node sets a connection's time at each in any case.
 */
export function cutUnreadAnswers(server: Server | SecureServer, limitMs: number): void {
  // Where somebody listens, Node closes nothing by itself, not even who is idle between two requests: that time is another.
  const idleMs = server.keepAliveTimeout + server.keepAliveTimeoutBuffer;
  const answerMs = limitMs === idleMs ? limitMs + 1 : limitMs;
  server.setTimeout(answerMs);
  server.on("timeout", (socket: Socket) => {
    if (socket.timeout !== answerMs || socket.writableLength > 0) socket.destroy();
  });
}
