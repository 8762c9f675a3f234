import { type Agent, request } from "node:https";
import type { Transport } from "./transport.ts";

export interface NodeTransportOptions {
  /** Where the admin API is: `https://host:port`. */
  readonly url: string;
  /** PEM of the CA that its certificate must be of; no other is trusted. */
  readonly ca: string;
  /** Keeps connections; without one each request has a connection of its own. Brings its own `ca`. */
  readonly agent?: Agent;
  /** Of a whole exchange. Default 30 seconds. */
  readonly timeoutMs?: number;
}

/** Requests over node:https. Rejects when there is no answer; whatever is answered, an error included, is the answer. */
export function nodeTransport({ url, ca, agent, timeoutMs = 30_000 }: NodeTransportOptions): Transport {
  return ({ method, path, headers, body }) =>
    new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
      const sent = request(
        new URL(path, url),
        {
          method,
          ca,
          agent: agent ?? false,
          headers: { ...headers, ...length },
          signal: AbortSignal.timeout(timeoutMs),
        },
        (response) => {
          response.setEncoding("utf8");
          let text = "";
          response.on("data", (part: string) => {
            text += part;
          });
          response.on("error", reject);
          response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        },
      );
      sent.on("error", reject);
      sent.end(body);
    });
}
