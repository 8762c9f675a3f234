import type { IncomingHttpHeaders } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import type { TLSSocket } from "node:tls";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface PollOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Default: a new connection for each poll, as SPIRE has it. */
  readonly agent?: Agent;
  readonly localAddress?: string;
}

const anyName = () => undefined;

/** Holds one connection. An agent reuses none whose requests bring a `checkServerIdentity` of their own. */
export const keepAliveAgent = (): Agent => new Agent({ keepAlive: true, maxSockets: 1, checkServerIdentity: anyName });

/**
 * A poll as SPIRE does it (R74): the chain is verified against the endpoint's own trust domain, no name is, and the
 * certificate is for exactly the configured SPIFFE ID.
 */
export async function pollAsSpire(
  port: number,
  path: string,
  trust: { ca: string; spiffeId: string },
  poll: PollOptions = {},
) {
  const answer = await exchange(
    { port, path, ca: trust.ca, ...(poll.agent ? {} : { checkServerIdentity: anyName }) },
    poll,
    (socket) => {
      const names = socket.getPeerX509Certificate()?.subjectAltName ?? "";
      const uris = names.split(", ").filter((name) => name.startsWith("URI:"));
      if (uris.length !== 1 || uris[0] !== `URI:${trust.spiffeId}`) throw new Error(`served by ${names}`);
    },
  );
  return answer;
}

/** A poll as istiod does it (R68): trusted roots, and the certificate names the host of the URL. */
export const pollAsIstiod = (
  port: number,
  path: string,
  trust: { ca: string },
  poll: PollOptions = {},
): Promise<Answer> => exchange({ host: "localhost", port, path, ca: trust.ca }, poll, () => {});

function exchange(
  { host = "127.0.0.1", ...target }: RequestOptions,
  { method = "GET", headers = {}, agent, localAddress }: PollOptions,
  verify: (socket: TLSSocket) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      ...target,
      host,
      family: 4,
      method,
      headers,
      agent: agent ?? false,
      ...(localAddress ? { localAddress } : {}),
    };
    const sent = request(options, (response) => {
      try {
        verify(response.socket as TLSSocket);
      } catch (error) {
        sent.destroy();
        reject(error);
      }
      response.setEncoding("utf8");
      let body = "";
      response.on("data", (text: string) => {
        body += text;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
