import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import "./request-context.ts";
import { Refusal } from "../errors.ts";
import { requireValidReader } from "../features/access/authentication.service.ts";
import type { TokenCaller } from "../features/access/caller.ts";
import type { Executor } from "../store/tables.ts";
import { inSnapshot } from "../store/transaction.ts";
import { type AdmissionParts, admit, holdAgainst } from "./admission.ts";
import { rateHeaders } from "./answer-headers.ts";
import { answerStream } from "./answer-stream.ts";
import { liftComponents } from "./components.ts";
import type { Call, ChangeEndpoint, Endpoint, ReadEndpoint } from "./endpoint.ts";
import { entityTagOf, names } from "./entity-tag.ts";
import { guardOf } from "./guard.ts";
import { checkBodyAhead, requireBody } from "./json-body.ts";
import { keysInUse } from "./keys-in-use.ts";
import { preferredType } from "./media-type.ts";
import { schemaOf } from "./operation-schema.ts";
import { pageAsked } from "./page-asked.ts";
import { type Guard, performChange } from "./perform-change.ts";
import { askForBody, isDryRun } from "./request-head.ts";
import { problem } from "./schemas.ts";
import { validatorCompiler } from "./validation.ts";

const JSON_TYPE = "application/json";

/**
 * From here on a route that declares no permission fails as it is added: at start-up, not when somebody asks (S18).
 * @throws {Error} from the call that adds the route
 */
export function requirePermissions(app: FastifyInstance): void {
  app.addHook("onRoute", ({ method, url, config }) => {
    const { endpoint, permission = endpoint?.permission } = config ?? {};
    if (!permission) throw new Error(`${method} ${url} declares no permission (S18)`);
  });
}

/**
 * Turns endpoints into routes. Whatever holds for every operation is here or in what this calls, and nowhere else: the
 * credential and its limits before the body is read (S4), the permission, the reach of a mesh in the path, preconditions,
 * idempotency, dry runs, the form of the answer.
 */
export function mountEndpoints(app: FastifyInstance, endpoints: readonly Endpoint[], parts: AdmissionParts): void {
  const components = new Map<string, Record<string, unknown>>();
  liftComponents(problem, components);
  const guards = endpoints.map((endpoint) => (endpoint.method === "GET" ? undefined : guardOf(endpoint, endpoints)));
  const schemas = endpoints.map((endpoint, index) => schemaOf(endpoint, guards[index], components));
  const shared = Object.fromEntries([...components].map(([$id, schema]) => [$id, { ...schema, $id }]));
  for (const schema of Object.values(shared)) app.addSchema(schema);
  // Set once: where schemas were added, Fastify would build a validator for each route, which takes seconds at start.
  app.setValidatorCompiler(validatorCompiler(shared));
  // Answers are typed by their schemas: a serialiser a route would take a second to build.
  app.setSerializerCompiler(() => JSON.stringify);
  app.decorateRequest("caller", undefined);
  app.decorateRequest("rate", undefined);
  app.addHook("onSend", async ({ rate }, reply) => {
    if (rate) reply.headers(rateHeaders(rate));
  });
  const useKey = keysInUse();
  for (const [index, endpoint] of endpoints.entries()) {
    app.route({
      method: endpoint.method,
      url: endpoint.path.replaceAll(/\{(\w+)\}/g, ":$1"),
      schema: schemas[index] ?? {},
      config: { endpoint },
      ...("largeBody" in endpoint && endpoint.largeBody ? { bodyLimit: parts.limits.uploadBytes } : {}),
      async onRequest(request, reply) {
        await admit(request, endpoint, parts);
        checkBodyAhead(request, endpoint);
        askForBody(request, reply);
      },
      preValidation: async (request) => requireBody(request, endpoint),
      handler: (request, reply) =>
        endpoint.method === "GET"
          ? answerRead(request, reply, endpoint, parts)
          : useKey(request, () => answerChange(request, reply, endpoint, guards[index], parts)),
    });
  }
}

async function answerRead(
  request: FastifyRequest,
  reply: FastifyReply,
  endpoint: ReadEndpoint,
  { broker }: AdmissionParts,
): Promise<unknown> {
  const call = callOf(request);
  const page = pageAsked(request, endpoint, broker);
  const { stream } = endpoint;
  if (stream) {
    reply.header("vary", "accept");
    const type = preferredType(request.headers.accept, [JSON_TYPE, ...stream.types]);
    const { [type]: parameters = "" } = stream.parameters ?? {};
    if (type !== JSON_TYPE) {
      const requireReader = () => requireValidReader(broker.db, call.token, broker.clock());
      const texts = stream.read(broker.db, call, page, type);
      return answerStream(request, reply, type + parameters, texts, requireReader);
    }
  }
  const read = (db: Executor) => endpoint.read(db, call, page);
  // A resource and its ETag are of one state, however many statements it takes (L20). A list is of one for each item: a page
  // of a thousand would hold a connection for as long, and nobody changes what they read in a list by the list's ETag.
  const isOneState = !endpoint.ofProcess && !endpoint.pages;
  const { body, status = 200 } = await (isOneState ? inSnapshot(broker.db, read) : read(broker.db));
  if (endpoint.produces) reply.type(endpoint.produces);
  if (endpoint.pages) linkToNext(request, reply, body as { next?: string });
  if (status === 503) reply.header("retry-after", "1");
  if (endpoint.permission === "anybody" || status !== 200) return reply.code(status).send(body);
  const tag = entityTagOf(body);
  reply.header("etag", tag);
  const known = request.headers["if-none-match"];
  return known !== undefined && names(known, tag) ? reply.code(304).send() : reply.code(200).send(body);
}

/** RFC 8288: the same list, from its next page on. */
function linkToNext({ url }: FastifyRequest, reply: FastifyReply, { next }: { next?: string }): void {
  if (next === undefined) return;
  const target = new URL(url, "https://host");
  target.searchParams.set("cursor", next);
  reply.header("link", `<${target.pathname}${target.search}>; rel="next"`);
}

async function answerChange(
  request: FastifyRequest,
  reply: FastifyReply,
  endpoint: ChangeEndpoint,
  guard: Guard | undefined,
  { broker, throttle }: AdmissionParts,
): Promise<unknown> {
  const { dryRun: _, ...query } = (request.query ?? {}) as { dryRun?: boolean };
  const { "if-match": ifMatch, "idempotency-key": key } = request.headers as Record<string, string | undefined>;
  const idempotencyKey = endpoint.method === "POST" ? key : undefined;
  const call = callOf(request, query);
  const options = { ifMatch, idempotencyKey, dryRun: isDryRun(request) };
  const performed = await performChange(broker, endpoint, guard, call, options).catch((error: unknown) => {
    holdAgainst(request, error, throttle);
    throw error;
  });
  if (performed.location !== undefined) reply.header("location", performed.location);
  if (performed.entityTag !== undefined) reply.header("etag", performed.entityTag);
  if (performed.replayed) reply.header("idempotency-replayed", "true");
  return reply.code(performed.status).send(performed.body);
}

function callOf(request: FastifyRequest, query: unknown = request.query): Call<unknown, unknown, unknown> {
  const { caller } = request;
  return {
    params: request.params,
    query,
    body: request.body,
    get caller() {
      return caller ?? missing();
    },
    get token() {
      return caller?.kind === "token" ? (caller as TokenCaller) : missing();
    },
  };
}

function missing(): never {
  throw new Refusal("forbidden", "this takes a token");
}
