import { ProblemError, UnexpectedAnswer } from "./problem-error.ts";
import type { DryRun, Problem } from "./schemas.ts";
import type { HttpAnswer, HttpRequest, Transport } from "./transport.ts";

/** Who asks, and by which way. */
export interface Client {
  readonly transport: Transport;
  /** A token, or an invitation where a mesh is registered; absent for what needs no credential. */
  readonly token?: string;
}

export interface Answer<A> {
  readonly status: number;
  readonly body: A;
  /** What to send as `ifMatch` with a change of the resource that was read or changed. */
  readonly etag: string | undefined;
  /** Path of what was made. */
  readonly location: string | undefined;
  /** It is the answer to an earlier request with the same idempotency key. */
  readonly replayed: boolean;
}

/** What an operation takes, by the places where it goes. */
export interface Input {
  readonly path?: object;
  readonly query?: object;
  readonly body?: unknown;
}

export interface ReadOptions {
  /** ETag of an earlier read: where it still holds the answer is 304, without a body. */
  readonly ifNoneMatch?: string;
}

export interface ChangeOptions {
  /** ETag that was read, or `*`; PATCH, PUT and DELETE ask for it. */
  readonly ifMatch?: string;
  /** Of a POST: sent again with the same input it is done once. */
  readonly idempotencyKey?: string;
  /** Answers what would happen, and changes nothing. */
  readonly dryRun?: boolean;
}

/** How an operation is asked for: without a client it sends nothing. */
export interface Described {
  readonly method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** As in the contract: `/v1/meshes/{meshId}`. */
  readonly path: string;
}

/**
 * Every operation: called with a client it sends the request.
 * @throws {ProblemError} the broker refused
 * @throws {UnexpectedAnswer} it is not in the contract
 */
export interface Operation<I extends Input, A> extends Described {
  (client: Client, input: I): Promise<Answer<A>>;
}

export interface Read<I extends Input, A> extends Operation<I, A> {
  (client: Client, input: I, options: Required<ReadOptions>): Promise<Answer<A | undefined>>;
  (client: Client, input: I): Promise<Answer<A>>;
}

export interface List<I extends Input, A, K extends keyof A> extends Read<I, A> {
  /** The member of a page that holds its items. */
  readonly plural: K;
}

export interface Change<I extends Input, A> extends Operation<I, A> {
  (client: Client, input: I, options: ChangeOptions & { readonly dryRun: true }): Promise<Answer<DryRun>>;
  (client: Client, input: I, options?: ChangeOptions & { readonly dryRun?: false }): Promise<Answer<A>>;
}

const operation = <O extends Described>(described: Omit<O, never>): O =>
  Object.assign(
    (client: Client, input: Input, options?: ReadOptions & ChangeOptions) =>
      send(client, requestOf(described, input, options)),
    described,
  ) as unknown as O;

export const read = <I extends Input, A>(path: string): Read<I, A> =>
  operation<Read<I, A>>({ method: "GET", path } as Read<I, A>);

export const list = <I extends Input, A, K extends keyof A>(path: string, plural: K): List<I, A, K> =>
  operation<List<I, A, K>>({ method: "GET", path, plural } as List<I, A, K>);

export const change = <I extends Input, A>(method: Described["method"], path: string): Change<I, A> =>
  operation<Change<I, A>>({ method, path } as Change<I, A>);

/** The request of an operation, without its credential. */
export function requestOf(
  { method, path }: Described,
  input: Input,
  { ifMatch, ifNoneMatch, idempotencyKey, dryRun }: ReadOptions & ChangeOptions = {},
): HttpRequest {
  const inPath = new Map(Object.entries(input.path ?? {}));
  const filled = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(String(inPath.get(name))));
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...input.query, ...(dryRun ? { dryRun } : {}) }))
    if (value !== undefined) query.set(name, String(value));
  const headers = {
    "if-match": ifMatch,
    "if-none-match": ifNoneMatch,
    "idempotency-key": idempotencyKey,
    "content-type": input.body === undefined ? undefined : "application/json",
  };
  return {
    method,
    path: query.size === 0 ? filled : `${filled}?${query}`,
    headers: Object.fromEntries(
      Object.entries(headers).filter((each): each is [string, string] => each[1] !== undefined),
    ),
    ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
  };
}

async function send({ transport, token }: Client, request: HttpRequest): Promise<Answer<unknown>> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await transport({ ...request, headers: { ...request.headers, ...authorization } });
  const { status, text } = answer;
  const type = header(answer, "content-type") ?? "";
  if (status >= 400 && type.startsWith("application/problem+json"))
    throw new ProblemError(JSON.parse(text) as Problem, secondsOf(header(answer, "retry-after")));
  if (status !== 304 && (status < 200 || status >= 300)) throw new UnexpectedAnswer(status, text);
  return {
    status,
    body: status === 304 ? undefined : type.startsWith("application/json") ? JSON.parse(text) : text,
    etag: header(answer, "etag"),
    location: header(answer, "location"),
    replayed: header(answer, "idempotency-replayed") === "true",
  };
}

function header({ headers }: HttpAnswer, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

const secondsOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
