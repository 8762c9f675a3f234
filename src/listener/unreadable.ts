import type { IncomingMessage, Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { ErrorCode } from "../errors.ts";
import type { LastWord } from "./lingering-close.ts";
import { beginsARequest } from "./request-line.ts";

/** Why there is no request: what a listener is asked for an answer to. */
export type Unreadable = Extract<
  ErrorCode,
  "malformed-request" | "method-not-allowed" | "headers-too-large" | "request-timeout"
>;

type ParserError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer };

const CODES: Readonly<Record<string, Unreadable>> = {
  HPE_INVALID_METHOD: "method-not-allowed",
  HPE_HEADER_OVERFLOW: "headers-too-large",
  ERR_HTTP_REQUEST_TIMEOUT: "request-timeout",
};

/**
 * Turns away once, and then lets go of, what Node's parser could make no request of, what did not end in time, and CONNECT:
 * a tunnel is no request of ours, and Node hands it past the router (S33, S58, S61). Nobody else answers them.
 * @param answer the whole of what is said, without a word of the request; it is said where no whole request is still to be answered
 */
export function turnAwayUnreadable(
  server: Server | SecureServer,
  lastWord: LastWord,
  answer: (why: Unreadable) => string | Uint8Array,
): void {
  const turnedAway = new WeakSet<Duplex>();
  function turnAway(socket: TLSSocket, why: Unreadable): void {
    turnedAway.add(socket);
    if (socket.writable) lastWord(socket, answer(why));
    else socket.destroy();
  }

  server.removeAllListeners("clientError");
  server.on("clientError", (error: ParserError, socket: TLSSocket) => {
    // Its parser goes on to fail at whatever comes.
    if (turnedAway.has(socket)) return;
    // Gone, or its TLS failed: there is nobody to tell.
    if (!isOfARequest(error)) return void socket.destroy();
    const why = reasonOf(error);
    // Its parser is sound: what comes too late is not taken, nobody is told that it was.
    if (why === "request-timeout") socket.pause();
    turnAway(socket, why);
  });
  server.removeAllListeners("connect");
  server.on("connect", ({ socket }: IncomingMessage) => {
    // Node has given it up: nobody reads it, nor sees its end or its errors.
    socket.on("error", () => socket.destroy());
    socket.resume();
    turnAway(socket as TLSSocket, "method-not-allowed");
  });
}

const isOfARequest = ({ code = "" }: ParserError): boolean => code.startsWith("HPE_") || code in CODES;

function reasonOf({ code = "", rawPacket }: ParserError): Unreadable {
  if (code === "HPE_INVALID_METHOD" && !beginsARequest(rawPacket)) return "malformed-request";
  return CODES[code] ?? "malformed-request";
}
