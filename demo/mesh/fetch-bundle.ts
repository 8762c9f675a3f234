import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";
import { pemOf } from "../../src/pki/pem.ts";
import { verifyPeer } from "./verify-peer.ts";

/** A SPIFFE bundle document, as far as the demo's meshes read it. */
export interface BundleDocument {
  readonly keys: readonly { readonly use?: string; readonly x5c?: readonly string[] }[];
  readonly spiffe_sequence: number;
  readonly spiffe_refresh_hint: number;
}

/** How a control plane is told to poll: which is written into its own configuration. */
export type Endpoint =
  | {
      readonly profile: "https_spiffe";
      /** `{trustDomain}` stands for the trust domain that is wanted. */
      readonly url: string;
      /** The SPIFFE ID that the endpoint must have, and its trust domain's roots (R69). */
      readonly endpointId: string;
      readonly endpointRoots: readonly string[];
    }
  | { readonly profile: "https_web"; readonly url: string; readonly webRoots: readonly string[] };

export interface Fetched {
  readonly status: number;
  /** The stable code of a refusal. */
  readonly code: string | null;
  readonly document: BundleDocument | null;
  /** Who served it: the SPIFFE ID in its SVID, or the host in its certificate. */
  readonly servedBy: string;
}

const TIMEOUT_MS = 5_000;

/** The X.509 roots in a bundle, as PEM. */
export const rootsIn = ({ keys }: BundleDocument): string[] =>
  keys.flatMap(({ use, x5c }) => (use === "x509-svid" && x5c?.[0] ? [pemOf(x5c[0])] : []));

/**
 * One poll over a new connection, as both SPIRE and istiod make it. In https_spiffe the server's SVID is verified
 * against its own trust domain's roots and must be exactly the configured ID, and no host name is looked at (R74); in
 * https_web the certificate must name the URL's host (R68).
 */
export function fetchBundle(endpoint: Endpoint, trustDomain: string): Promise<Fetched> {
  const url = endpoint.url.replace("{trustDomain}", trustDomain);
  const spiffe = endpoint.profile === "https_spiffe" ? endpoint : null;
  const ca = [...(endpoint.profile === "https_spiffe" ? endpoint.endpointRoots : endpoint.webRoots)];
  const agent = new Agent({ keepAlive: false, maxCachedSessions: 0 });
  const tls = spiffe ? { ca, checkServerIdentity: () => undefined } : { ca };
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...tls, agent, signal: AbortSignal.timeout(TIMEOUT_MS) });
    sent.on("error", reject);
    sent.on("socket", (socket) =>
      socket.once("secureConnect", () => {
        if (!spiffe) return sent.end();
        try {
          const found = verifyPeer(socket as TLSSocket, () => spiffe.endpointRoots);
          if (found !== spiffe.endpointId) throw new Error(`the endpoint is ${found}, not ${spiffe.endpointId} (R74)`);
          sent.end();
        } catch (error) {
          sent.destroy(error as Error);
        }
      }),
    );
    sent.on("response", (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject);
      response.on("end", () => {
        const status = response.statusCode ?? 0;
        const body = JSON.parse(text) as BundleDocument & { code?: string };
        const document = status === 200 ? body : null;
        resolve({ status, code: body.code ?? null, document, servedBy: spiffe?.endpointId ?? new URL(url).hostname });
      });
    });
  });
}
