import { once } from "node:events";
import { type AddressInfo, isIP } from "node:net";
import { checkServerIdentity, connect, createServer } from "node:tls";
import type { ServingCertificate } from "../../src/identity/svid.ts";

export type HandshakeResult = { readonly authorized: true } | { readonly authorized: false; readonly error: string };

/** Whether a client that trusts `ca` alone accepts a loopback server with this certificate as the one of `host`. */
export async function tlsHandshake(
  served: Pick<ServingCertificate, "chainPem" | "keyPem">,
  { ca, host }: { readonly ca: string; readonly host: string },
): Promise<HandshakeResult> {
  const server = createServer({ cert: served.chainPem, key: served.keyPem }, (socket) => socket.end());
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect({
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    ca,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    checkServerIdentity: (_connectedTo, certificate) => checkServerIdentity(host, certificate),
  });
  try {
    await once(client, "secureConnect");
    return { authorized: true };
  } catch (error) {
    return { authorized: false, error: (error as { code: string }).code };
  } finally {
    client.destroy();
    server.close();
  }
}
