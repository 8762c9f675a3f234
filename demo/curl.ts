import type { SecretName } from "./secrets.ts";

/** A request to the admin API, as the story makes it and as a reader can make it with curl. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  /** Whose token goes with it; absent for none. */
  readonly as?: SecretName;
  readonly body?: unknown;
  /** For a body too long to be read in a line: the file in the demo's folder that holds it. */
  readonly bodyFile?: `${string}.json`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The curl line of a request, with `$ADMIN`, `$CA` and the token's name for what differs from run to run. */
export function curlLine({ method, path, as, body, bodyFile }: ApiRequest): string {
  const usual = body === undefined ? "GET" : "POST";
  return [
    'curl --cacert "$CA"',
    ...(method === usual ? [] : [`-X ${method}`]),
    ...(as === undefined ? [] : [`-H "Authorization: Bearer $${as}"`]),
    ...(body === undefined ? [] : [`--json ${bodyFile ? `@"$DEMO/${bodyFile}"` : quoted(JSON.stringify(body))}`]),
    `"$ADMIN${path}"`,
  ].join(" ");
}

/** The curl line of a poll. curl checks the host's name, which the broker's SVID carries too, and not the SPIFFE ID. */
export const pollLine = (listener: "SPIFFE" | "WEB", poller: SecretName, path: string): string =>
  `curl --cacert "$CA" "$${listener}/p/$${poller}/${path}"`;
