import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { nodeTransport } from "../src/client/node-transport.ts";
import {
  type Answer,
  type Change,
  type Client,
  type Input,
  type Operation,
  requestOf,
} from "../src/client/operation.ts";
import type { Shown } from "./curl.ts";
import type { Secrets } from "./secrets.ts";

/** A request to the admin API, as the story makes it and as a reader can make it with curl. */
export interface ApiRequest<A> extends Shown {
  send(client: Client): Promise<Answer<A>>;
}

type Beside = Pick<Shown, "as" | "bodyFile">;

export const asking = <I extends Input, A>(operation: Operation<I, A>, input: I, beside: Beside): ApiRequest<A> => ({
  ...beside,
  http: requestOf(operation, input),
  send: (client) => operation(client, input),
});

/** A change of what is there, whatever that is (L20). */
export const changing = <I extends Input, A>(operation: Change<I, A>, input: I, beside: Beside): ApiRequest<A> => ({
  ...beside,
  http: requestOf(operation, input, { ifMatch: "*" }),
  send: (client) => operation(client, input, { ifMatch: "*" }),
});

/** Asks the broker's admin API. @throws {ProblemError} when it refuses */
export type Api = <A>(asked: ApiRequest<A>) => Promise<Answer<A>>;

export function adminApi(parts: { url: string; caPem: string; folder: string; secrets: Secrets }): Api {
  const transport = nodeTransport({ url: parts.url, ca: parts.caPem, timeoutMs: TIMEOUT_MS });
  return ({ http, as, bodyFile, send }) => {
    if (bodyFile) writeFileSync(join(parts.folder, bodyFile), http.body ?? "");
    return send({ transport, ...(as === undefined ? {} : { token: parts.secrets.get(as) }) });
  };
}

export interface HttpsOptions {
  readonly method?: string;
  readonly headers?: Record<string, string | number>;
  readonly ca: string | string[];
}

const TIMEOUT_MS = 10_000;

/** One request over a connection of its own, whose server is checked against `ca` and by the URL's host. */
export function httpsRequest(
  url: string,
  options: HttpsOptions,
  body?: string,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
