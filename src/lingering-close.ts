import type { IncomingMessage, Server } from "node:http";
import { Socket } from "node:net";
import { beforeHandlers } from "./before-handlers.ts";
import { SECOND_MS } from "./time.ts";

/** What is still taken, and thrown away, of a request that was answered before its end: whichever comes first. */
const LONGEST_MS = 2 * SECOND_MS;
const MOST_BYTES = 4 * 1_048_576;
const LOOK_EVERY_MS = 20;

/**
 * Where an answer is the last of its connection and comes before the end of its request, the rest of that is read and
 * thrown away for a while before the connection is closed (RFC 9112, 9.6). Closed at once it would be reset, and a client
 * that writes all before it reads would have a broken pipe and never see why. What comes behind that request is neither
 * taken nor answered. Called once the server has its handler.
 */
export function lingerAtClose(server: Server): void {
  const lingering = new WeakSet<Socket>();
  beforeHandlers<[IncomingMessage]>(server, "request", (goOn, request) => {
    const { socket } = request;
    if (lingering.has(socket)) return;
    // Node calls it when the last answer of a connection has left.
    socket.destroySoon = () => {
      if (request.complete || socket.destroyed) return closeSoon(socket);
      lingering.add(socket);
      discardRest(request);
    };
    goOn();
  });
}

const closeSoon = (socket: Socket): void => Socket.prototype.destroySoon.call(socket);

function discardRest(request: IncomingMessage): void {
  const { socket } = request;
  const until = performance.now() + LONGEST_MS;
  const most = socket.bytesRead + MOST_BYTES;
  // A body that nobody has begun to read tells nothing of its parts: the connection itself is looked at.
  const looking = setInterval(() => {
    if (performance.now() < until && socket.bytesRead < most) return;
    socket.destroy();
  }, LOOK_EVERY_MS);
  request.once("end", () => closeSoon(socket));
  socket.once("close", () => clearInterval(looking));
  request.resume();
}
