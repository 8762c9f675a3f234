import type { OperationExample, OperationExamples } from "../../../src/http/contract-document.ts";
import type { ChangeEndpoint, Endpoint, ReadEndpoint } from "../../../src/http/endpoint.ts";
import { openStillBroker, type StillBroker } from "./still-broker.ts";
import { story } from "./story.ts";

export interface Asked {
  /** The bearer's secret; absent for none. */
  readonly as?: string;
  /** Of the path and of the query, by their names. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
}

/**
 * Calls an operation and resolves with its answer's body. The first call of each operation becomes its example.
 * @throws {Error} when the call is refused
 */
// biome-ignore lint/suspicious/noExplicitAny: the story takes what it needs of any answer; the contract's test checks them.
export type Play = (operationId: string, asked?: Asked) => Promise<any>;

type Listener = (
  operationId: string,
  answer: { readonly status: number; readonly headers: Readonly<Record<string, string | string[] | undefined>> },
) => void;

/**
 * An example of each operation, from a story that is really played on a broker whose clock and randomness are fixed. What
 * is shown once is replaced by an `EXAMPLE`, so that nobody takes it for a secret.
 * @param told of each answer
 * @throws {Error} naming the operations that the story leaves out
 */
export async function recordExamples(told: Listener = () => {}): Promise<OperationExamples> {
  const still = await openStillBroker();
  try {
    const examples = new Map<string, OperationExample>();
    const secrets = new Set<string>();
    await story(player(still, examples, secrets, told), still);
    const missing = missingExamples(still.endpoints, Object.fromEntries(examples));
    if (missing.length > 0)
      throw new Error(`no example of ${missing.join(", ")}: call it in scripts/docs/examples/story.ts`);
    const inOrder = still.endpoints.map(({ operationId }) => [operationId, examples.get(operationId)]);
    return JSON.parse(withoutSecrets(JSON.stringify(Object.fromEntries(inOrder)), secrets)) as OperationExamples;
  } finally {
    await still.close();
  }
}

/** The operations that have none. */
export const missingExamples = (endpoints: readonly Endpoint[], examples: OperationExamples): string[] =>
  endpoints.map(({ operationId }) => operationId).filter((operationId) => !(operationId in examples));

function player(
  still: StillBroker,
  examples: Map<string, OperationExample>,
  secrets: Set<string>,
  told: Listener,
): Play {
  const calls = new Map<string, number>();
  return async (operationId, asked = {}) => {
    const endpoint = still.endpoints.find((each) => each.operationId === operationId);
    if (!endpoint) throw new Error(`the story calls ${operationId}, which there is not`);
    const before = calls.get(operationId) ?? 0;
    calls.set(operationId, before + 1);
    const seed = `${operationId} ${before}`;
    still.next(seed);
    const ask = async (accept: string, more: Asked["parameters"] = {}) => {
      const request = requestOf(endpoint, { ...asked, parameters: { ...asked.parameters, ...more } });
      const { statusCode, body, headers } = await still.app.inject({
        ...request,
        headers: { ...request.headers, accept },
      });
      told(operationId, { status: statusCode, headers: headers as Record<string, string> });
      if (statusCode >= 300) throw new Error(`the story's call of ${operationId} was answered ${statusCode}: ${body}`);
      const isJson = /^application\/json/.test(String(headers["content-type"]));
      return { status: statusCode, answer: isJson ? JSON.parse(body) : body };
    };
    const isNew = !examples.has(operationId);
    const dryRun = isNew && endpoint.method !== "GET" ? (await ask("*/*", { dryRun: true })).answer : undefined;
    still.draw(seed);
    const { status, answer } = await ask("*/*");
    const { shownOnce } = endpoint as Partial<ChangeEndpoint>;
    const { stream } = endpoint as Partial<ReadEndpoint>;
    if (shownOnce)
      for (const member of shownOnce.secrets) for (const secret of secretsIn(answer[member])) secrets.add(secret);
    if (!isNew) return answer;
    const streamed: Record<string, string> = {};
    for (const type of stream?.types ?? []) streamed[type] = (await ask(type)).answer;
    const { parameters, body } = asked;
    examples.set(operationId, {
      ...(parameters === undefined ? {} : { parameters }),
      ...(body === undefined ? {} : { body }),
      status,
      answer,
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(stream ? { streamed } : {}),
    });
    return answer;
  };
}

function requestOf({ method, path }: Endpoint, { as, parameters = {}, body }: Asked) {
  const ofPath = new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  const url = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(String(parameters[name])));
  const query = Object.entries(parameters).filter(([name]) => !ofPath.has(name));
  return {
    method,
    url:
      query.length === 0 ? url : `${url}?${new URLSearchParams(query.map(([name, value]) => [name, String(value)]))}`,
    headers: {
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
      ...(method === "GET" || method === "POST" ? {} : { "if-match": "*" }),
    },
    ...(body === undefined ? {} : { payload: body as object }),
  };
}

/** What is shown once: a secret, or several things that have one each. */
function secretsIn(shown: unknown): string[] {
  if (typeof shown === "string") return [shown];
  return Array.isArray(shown) ? shown.flatMap(({ token }: { token: string }) => token) : [];
}

/** `ent_tok_EXAMPLE` for a token; a poller's, which has no prefix, becomes `EXAMPLE`. */
function withoutSecrets(text: string, secrets: ReadonlySet<string>): string {
  let safe = text;
  for (const secret of secrets) safe = safe.replaceAll(secret, `${/^ent_[a-z]+_/.exec(secret)?.[0] ?? ""}EXAMPLE`);
  return safe;
}
