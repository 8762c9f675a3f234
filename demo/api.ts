import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import type { ApiRequest } from "./curl.ts";
import type { Secrets } from "./secrets.ts";

export interface ApiAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/** Asks the broker's admin API; whatever it answers, refusals included, is returned as it is. */
export type Api = <T>(asked: ApiRequest) => Promise<ApiAnswer<T>>;

/** `T` is what the contract promises for the operation; nothing here checks it. */
export function adminApi(parts: { url: string; caPem: string; folder: string; secrets: Secrets }): Api {
  return async <T>(asked: ApiRequest) => {
    const text = asked.body === undefined ? undefined : JSON.stringify(asked.body);
    if (text !== undefined && asked.bodyFile) writeFileSync(join(parts.folder, asked.bodyFile), text);
    const headers = {
      ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      ...(asked.as === undefined ? {} : { authorization: `Bearer ${parts.secrets.get(asked.as)}` }),
    };
    const answer = await httpsRequest(
      `${parts.url}${asked.path}`,
      { method: asked.method, headers, ca: parts.caPem },
      text,
    );
    return { status: answer.status, body: JSON.parse(answer.text) as T };
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
