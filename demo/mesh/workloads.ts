import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import type { MeshAuthority, Svid } from "./authority.ts";
import type { MeshProfile } from "./profile.ts";
import { type RootsOf, verifyPeer } from "./verify-peer.ts";

/** Where a workload of a mesh is reached, and who it must be. */
export interface Callee {
  readonly port: number;
  readonly trustDomain: string;
  readonly spiffeId: string;
}

/** How one call ended; `reason` says who ended it otherwise, and why as far as the caller can know. */
export interface CallResult {
  readonly answered: boolean;
  readonly reason: string;
}

/** The roots that a mesh trusts, of each trust domain apart. Never merged; an absent one is an empty list. */
export interface Trust {
  readonly of: RootsOf;
  all(): readonly string[];
}

export interface Workloads {
  readonly callee: Callee;
  /** Gives both workloads new SVIDs; connections made from now on use them. */
  reissue(authority: MeshAuthority): void;
  /** The server accepts what `trust` holds now. */
  trustChanged(): void;
  /** One call over a connection of its own, with `svid` or else the calling workload's own. Never throws. */
  call(callee: Callee, svid?: Svid): Promise<CallResult>;
}

const TIMEOUT_MS = 2_000;
const HUNG_UP = "the callee hangs up";
/** OpenSSL's words for a chain that ends at no trusted root. */
const NO_ROOT = new Set(["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "SELF_SIGNED_CERT_IN_CHAIN"]);

/** The workloads of one mesh: one that is called and one that calls, both over mutual TLS. */
export async function startWorkloads(parts: {
  profile: Pick<MeshProfile, "trustDomain" | "server" | "client">;
  authority: MeshAuthority;
  trust: Trust;
}): Promise<Workloads> {
  const { trust } = parts;
  const { trustDomain, server: serverPath, client: clientPath } = parts.profile;
  let serverSvid = parts.authority.issue(`spiffe://${trustDomain}${serverPath}`);
  let clientSvid = parts.authority.issue(`spiffe://${trustDomain}${clientPath}`);
  const context = () => ({ cert: serverSvid.chainPem, key: serverSvid.keyPem, ca: [...trust.all()] });
  const server = createServer(
    { ...context(), requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.2" },
    (socket) => answer(socket, trust.of),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    callee: { port, trustDomain, spiffeId: serverSvid.spiffeId },
    reissue(authority) {
      serverSvid = authority.issue(serverSvid.spiffeId);
      clientSvid = authority.issue(clientSvid.spiffeId);
      server.setSecureContext(context());
    },
    trustChanged: () => server.setSecureContext(context()),
    call: (callee, svid = clientSvid) => callOnce(callee, svid, trust.of),
  };
}

/** With pooled roots the handshake says only that some root fits: whose, is checked before a word is answered. */
function answer(socket: TLSSocket, rootsOf: RootsOf): void {
  socket.on("error", () => socket.destroy());
  try {
    socket.end(`hello, ${verifyPeer(socket, rootsOf)}\n`);
  } catch {
    socket.destroy();
  }
}

/**
 * Trusts the bundle of the callee's own trust domain and nothing else (R81): without one the list of roots is empty,
 * which refuses, where leaving it out would fall back to the system's. The call counts once the answer has come,
 * because in TLS 1.3 a client is done before the server has looked at its certificate.
 */
function callOnce(callee: Callee, svid: Svid, rootsOf: RootsOf): Promise<CallResult> {
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect({
      host: "127.0.0.1",
      port: callee.port,
      cert: svid.chainPem,
      key: svid.keyPem,
      ca: [...rootsOf(callee.trustDomain)],
      allowPartialTrustChain: true,
      minVersion: "TLSv1.2",
      checkServerIdentity: () => undefined,
    });
    const end = (reason: string) => {
      socket.destroy();
      resolve({ answered: reason === "", reason });
    };
    socket.setTimeout(TIMEOUT_MS, () => end("timeout"));
    socket.setEncoding("utf8");
    socket.on("secureConnect", () => {
      try {
        const found = verifyPeer(socket, rootsOf);
        if (found !== callee.spiffeId) end(`the caller refuses: it is ${found}`);
      } catch (error) {
        end(`the caller refuses: ${(error as Error).message}`);
      }
    });
    socket.on("data", (text: string) => {
      heard += text;
    });
    socket.on("end", () => end(heard === `hello, ${svid.spiffeId}\n` ? "" : HUNG_UP));
    socket.on("error", (error: NodeJS.ErrnoException) => end(reasonOf(error)));
  });
}

function reasonOf({ code = "", message }: NodeJS.ErrnoException): string {
  if (NO_ROOT.has(code)) return "the caller refuses: no root that it holds vouches for the callee";
  if (code === "ECONNRESET" || code === "EPIPE") return HUNG_UP;
  return code === "" ? message : code;
}
