import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Stands before a server and cuts the connection over which a text is sent. */
export interface CuttingProxy {
  readonly port: number;
  /** At the next message with `text`: cuts before the server gets it, or when it has answered and nobody heard it. */
  cutAt(text: string, when: "before" | "after"): void;
}

/** Gone when the test ends. */
export async function cuttingProxy(target: { readonly host: string; readonly port: number }): Promise<CuttingProxy> {
  let armed: { readonly text: string; readonly when: "before" | "after" } | undefined;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    const cut = () => [client, upstream].forEach((socket) => void socket.destroy());
    let deaf = false;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", cut).on("close", cut);
    }
    client.on("data", (chunk) => {
      const met = armed !== undefined && chunk.includes(armed.text) ? armed : undefined;
      if (met) armed = undefined;
      if (met?.when === "before") return cut();
      if (met) deaf = true;
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (deaf) cut();
      else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as { port: number }).port,
    cutAt(text, when) {
      armed = { text, when };
    },
  };
}
