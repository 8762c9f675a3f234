import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as SecureServer } from "node:https";
import { Socket } from "node:net";
import { SECOND_MS } from "../time.ts";
import { beforeHandlers } from "./before-handlers.ts";

/** What is still taken, and thrown away, of a connection that has its last answer: whichever comes first. */
const LONGEST_MS = 2 * SECOND_MS;
const MOST_BYTES = 4 * 1_048_576;
const LOOK_EVERY_MS = 20;

/**
 * Says the last word of a connection, whole: what the other side still sends is no request any more. Where whole requests are
 * still to be answered, their answers are the last words: in one's place another would be taken for it, and what was done
 * for what was not.
 */
export type LastWord = (socket: Socket, answer: string | Uint8Array) => void;

/**
 * Where an answer is the last of its connection and comes before the end of its request, the rest of that is read and
 * thrown away for a while before the connection is closed (RFC 9112, 9.6). Closed at once it would be reset, and a client
 * that writes all before it reads would have a broken pipe and never see why. What comes behind that request is neither
 * taken nor answered. A client that keeps its half open is cut off: to end ours does not close a connection (S58). Called
 * once the server has its handler.
 */
export function lingerAtClose(server: Server | SecureServer): LastWord {
  const connections = new WeakMap<Socket, Connection>();
  beforeHandlers<[IncomingMessage, ServerResponse]>(server, "request", (goOn, request, response) => {
    const { socket } = request;
    const connection = connections.get(socket);
    if (connection?.isLingering) return;
    if (connection) {
      connection.request = request;
      connection.response = response;
    } else connections.set(socket, lingering(socket, request, response));
    goOn();
  });
  return (socket, answer) => {
    const connection = connections.get(socket);
    const end = (word: string | Uint8Array) => {
      cutOffSoon(socket);
      socket.end(word);
    };
    if (!connection) return end(answer);
    connection.isLingering = true;
    const { request, response } = connection;
    if (!request.complete) {
      // Its own answer has begun, or it is to wait for those of others before it.
      if (response.headersSent || response.socket !== socket) socket.destroy();
      else end(answer);
    } else if (response.writableFinished) end(answer);
    else response.once("close", () => end(""));
  };
}

/** What came last over it. */
interface Connection {
  request: IncomingMessage;
  response: ServerResponse;
  isLingering: boolean;
}

/** Once for a connection: a poll over a kept one costs no more for it. */
function lingering(socket: Socket, first: IncomingMessage, response: ServerResponse): Connection {
  const connection: Connection = { request: first, response, isLingering: false };
  // Node calls it when the last answer of a connection has left.
  socket.destroySoon = () => {
    const { request } = connection;
    if (request.complete || socket.destroyed) return closeSoon(socket);
    connection.isLingering = true;
    cutOffSoon(socket);
    request.once("end", () => closeSoon(socket));
    request.resume();
  };
  return connection;
}

const closeSoon = (socket: Socket): void => Socket.prototype.destroySoon.call(socket);

function cutOffSoon(socket: Socket): void {
  const until = performance.now() + LONGEST_MS;
  const most = socket.bytesRead + MOST_BYTES;
  // A body that nobody has begun to read tells nothing of its parts: the connection itself is looked at.
  const looking = setInterval(() => {
    if (performance.now() < until && socket.bytesRead < most) return;
    socket.destroy();
  }, LOOK_EVERY_MS);
  socket.once("close", () => clearInterval(looking));
}
