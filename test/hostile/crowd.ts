/**
 * Connections that want nothing, in a process of its own: `idle` of them say nothing at all, every other one not even its
 * TLS handshake, and `slow` ones send a request a byte at a time. All come from 127.0.0.2 to 127.0.0.4. Arguments: port,
 * idle, slow. Sends `Standing` when all are connected, and whenever it is asked.
 */
import { connect as connectTcp, type Socket } from "node:net";
import { connect } from "node:tls";

/** How many connections of the crowd are open, and how many bytes its slow ones have sent. */
export interface Standing {
  readonly open: number;
  readonly dripped: number;
}

const [port = 0, idle = 0, slow = 0] = process.argv.slice(2).map(Number);
const DRIP_MS = 500;
const REQUEST = "GET /bundle HTTP/1.1\r\nHost: localhost\r\nX-Slow: and so on";

let open = 0;
let dripped = 0;
const tell = () => process.send?.({ open, dripped } satisfies Standing);

function stand(place: number): void {
  const tcp = connectTcp({ host: "127.0.0.1", port, localAddress: `127.0.0.${2 + (place % 3)}` });
  const isSlow = place >= idle;
  const silent = !isSlow && place % 2 === 0;
  const socket: Socket = silent ? tcp : connect({ socket: tcp, rejectUnauthorized: false });
  let drip: NodeJS.Timeout | undefined;
  let sent = 0;
  socket.once(silent ? "connect" : "secureConnect", () => {
    open += 1;
    if (isSlow)
      drip = setInterval(() => {
        socket.write(REQUEST[sent++] ?? "x");
        dripped += 1;
      }, DRIP_MS);
    if (open === idle + slow) tell();
    socket.once("close", () => {
      clearInterval(drip);
      open -= 1;
    });
  });
  for (const one of [tcp, socket]) one.on("error", () => {});
  socket.resume();
}

for (let place = 0; place < idle + slow; place++) setTimeout(() => stand(place), place);
process.on("message", tell);
process.once("disconnect", () => process.exit(0));
