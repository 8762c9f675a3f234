import type { HttpRequest } from "../src/client/transport.ts";
import type { SecretName } from "./secrets.ts";

/** What a reader types to ask the admin API the same. */
export interface Shown {
  readonly http: HttpRequest;
  /** Whose token goes with it; absent for none. */
  readonly as?: SecretName;
  /** For a body too long to be read in a line: the file in the demo's folder that holds it. */
  readonly bodyFile?: `${string}.json`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The curl line of a request, with `$ADMIN`, `$CA` and the token's name for what differs from run to run. */
export function curlLine({ http: { method, path, headers, body }, as, bodyFile }: Shown): string {
  const usual = body === undefined ? "GET" : "POST";
  const ifMatch = headers["if-match"];
  return [
    'curl --cacert "$CA"',
    ...(method === usual ? [] : [`-X ${method}`]),
    ...(as === undefined ? [] : [`-H "Authorization: Bearer $${as}"`]),
    ...(ifMatch === undefined ? [] : [`-H ${quoted(`If-Match: ${ifMatch}`)}`]),
    ...(body === undefined ? [] : [`--json ${bodyFile ? `@"$DEMO/${bodyFile}"` : quoted(body)}`]),
    `"$ADMIN${path}"`,
  ].join(" ");
}

/** The curl line of a poll. curl checks the host's name, which the broker's SVID carries too, and not the SPIFFE ID. */
export const pollLine = (listener: "SPIFFE" | "WEB", poller: SecretName, path: string): string =>
  `curl --cacert "$CA" "$${listener}/p/$${poller}/${path}"`;
