import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";

/** A connection over which a test says what no client would, or only half of it. */
export interface RawConnection {
  readonly socket: TLSSocket;
  /** Resolves with what came so far once `text` is in it. @throws {Error} where the connection ends without it */
  until(text: string): Promise<string>;
  /** Resolves with all that came, once the connection is closed. */
  readonly closed: Promise<string>;
}

export async function rawConnection(url: string): Promise<RawConnection> {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), rejectUnauthorized: false });
  let said = "";
  socket.setEncoding("latin1").on("data", (part: string) => {
    said += part;
  });
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(said)));
  await once(socket, "secureConnect");
  // From here on a connection that is cut is one that is closed.
  socket.on("error", () => {});
  return {
    socket,
    closed,
    async until(text) {
      while (!said.includes(text)) {
        const more = new Promise<"more">((resolve) => socket.once("data", () => resolve("more")));
        if ((await Promise.race([more, closed])) !== "more" && !said.includes(text))
          throw new Error(`the connection ended without ${JSON.stringify(text)}: ${said}`);
      }
      return said;
    },
  };
}
