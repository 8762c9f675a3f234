import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { TSchema } from "typebox";
import "./request-context.ts";
import { Refusal } from "../errors.ts";
import { authenticate } from "../features/access/authentication.service.ts";
import { type Caller, notFound, type TokenCaller } from "../features/access/caller.ts";
import { permits, reaches } from "../features/access/role.ts";
import type { Broker } from "../features/broker.ts";
import { isMeshId } from "../features/meshes/mesh-id.ts";
import type { AdminLimits, Throttle } from "./admin-limits.ts";
import { liftComponents } from "./components.ts";
import type { Call, Endpoint } from "./endpoint.ts";
import { problem, refusals as refusalResponses, strictObject } from "./schemas.ts";
import { validatorCompiler } from "./validation.ts";

interface Parts {
  readonly broker: Broker;
  readonly limits: AdminLimits;
  readonly throttle: Throttle;
  /** Told of each request with a valid credential. */
  readonly onAuthenticated: (caller: Caller) => void;
}

/**
 * From here on a route that declares no permission fails as it is added: at start-up, not when somebody asks (S18).
 * @throws {Error} from the call that adds the route
 */
export function requirePermissions(app: FastifyInstance): void {
  app.addHook("onRoute", ({ method, url, config }) => {
    const { endpoint } = (config ?? {}) as { endpoint?: Partial<Endpoint> };
    if (!endpoint?.permission) throw new Error(`${method} ${url} declares no permission (S18)`);
  });
}

/**
 * Turns endpoints into routes. Whatever holds for every operation is here and nowhere else: the credential and its
 * limits before the body is read (S4), the permission, the reach of a mesh in the path, the form of the answer.
 */
export function mountEndpoints(app: FastifyInstance, endpoints: readonly Endpoint[], parts: Parts): void {
  const components = new Map<string, Record<string, unknown>>();
  liftComponents(problem, components);
  const schemas = endpoints.map((endpoint) => schemaOf(endpoint, components));
  const shared = Object.fromEntries([...components].map(([$id, schema]) => [$id, { ...schema, $id }]));
  for (const schema of Object.values(shared)) app.addSchema(schema);
  // Set once: where schemas were added, Fastify would build a validator for each route, which takes seconds at start.
  app.setValidatorCompiler(validatorCompiler(shared));
  app.decorateRequest("caller", undefined);
  for (const [index, endpoint] of endpoints.entries()) {
    app.route({
      method: endpoint.method,
      url: endpoint.path.replaceAll(/\{(\w+)\}/g, ":$1"),
      schema: schemas[index] ?? {},
      // A problem is written as it is made: a serialiser for each route and status would take seconds to build at start.
      config: { endpoint, refusals: refusalsOf(endpoint) },
      ...(endpoint.largeBody ? { bodyLimit: parts.limits.uploadBytes } : {}),
      onRequest: (request) => admit(request, endpoint, parts),
      handler: (request, reply) => answer(request, reply, endpoint),
    });
  }
}

const NO_QUERY = strictObject({});

function schemaOf(endpoint: Endpoint, components: Map<string, Record<string, unknown>>): Record<string, unknown> {
  const lift = (schema: TSchema) => liftComponents(schema, components);
  const success = endpoint.method === "POST" && isCreation(endpoint) ? 201 : 200;
  const answered = lift(endpoint.answer);
  const produced = endpoint.produces ? { content: { [endpoint.produces]: { schema: answered } } } : answered;
  return {
    operationId: endpoint.operationId,
    summary: endpoint.summary,
    description: endpoint.description ?? `${endpoint.summary}.`,
    tags: [endpoint.tag],
    ...(endpoint.permission === "anybody" ? { security: [] } : {}),
    ...(endpoint.params ? { params: endpoint.params } : {}),
    // Probes add what they like to the health paths; anywhere else an unknown parameter is a mistake worth telling.
    ...(endpoint.permission === "anybody" ? {} : { querystring: endpoint.query ?? NO_QUERY }),
    ...(endpoint.body ? { body: lift(endpoint.body) } : {}),
    response: { [success]: { description: "Done.", ...produced } },
  };
}

/** The error responses of an operation, for the contract. */
function refusalsOf(endpoint: Endpoint): ReturnType<typeof refusalResponses> {
  const always =
    endpoint.permission === "anybody" ? [] : (["unauthenticated", "forbidden", "too-many-requests"] as const);
  const withInput = endpoint.body
    ? ([
        "invalid-request",
        "invalid-json",
        "duplicate-member",
        "too-complex",
        "body-too-large",
        "unsupported-media-type",
      ] as const)
    : [];
  const withQuery = endpoint.permission === "anybody" ? [] : (["invalid-request"] as const);
  const writes = endpoint.method === "GET" ? [] : (["storage-unavailable"] as const);
  return refusalResponses(...always, ...withQuery, ...withInput, ...endpoint.refusals, ...writes);
}

/** What makes a resource answers 201 and its place; a POST on an existing one is an action and answers 200. */
const isCreation = (endpoint: Endpoint): boolean => !/\/(consents|terms|transitions|memberships)$/.test(endpoint.path);

/** @throws {Refusal} `unauthenticated`, `forbidden`, `not-found`, `too-many-requests` */
async function admit(
  request: FastifyRequest,
  { permission, path }: Endpoint,
  { broker, throttle, onAuthenticated }: Parts,
): Promise<void> {
  if (permission === "anybody") return;
  const origin = { source: request.ip, requestId: request.id };
  throttle.beforeLogin(origin.source);
  try {
    request.caller = await authenticate(broker.db, request.headers.authorization, origin, broker.clock());
  } catch (error) {
    if (error instanceof Refusal && error.code === "unauthenticated") throttle.failedLogin(origin.source);
    throw error;
  }
  const { caller } = request;
  throttle.request(caller);
  onAuthenticated(caller);
  if (!permits(caller.role, permission)) {
    throw new Refusal("forbidden", `${aRole(caller)} may not do this: it takes ${permission}`);
  }
  if (path.includes("{meshId}")) requireReach(caller, (request.params as { meshId: string }).meshId);
}

const aRole = ({ role }: Caller): string => (/^[aeio]/.test(role) ? `an ${role}` : `a ${role}`);

/** What is not in the caller's scope, or has not even the form of a mesh ID, is absent (S16). */
function requireReach(caller: Caller, meshId: string): void {
  if (caller.kind !== "token" || !isMeshId(meshId) || !reaches(caller.scope, meshId)) throw notFound();
}

async function answer(request: FastifyRequest, reply: FastifyReply, endpoint: Endpoint): Promise<unknown> {
  const { caller } = request;
  const call: Call<unknown, unknown, unknown> = {
    params: request.params,
    query: request.query,
    body: request.body,
    get caller() {
      return caller ?? missing();
    },
    get token() {
      return caller?.kind === "token" ? (caller as TokenCaller) : missing();
    },
  };
  const { body, status, location } = await endpoint.handle(call);
  if (location !== undefined) reply.header("location", location);
  if (endpoint.produces) reply.type(endpoint.produces);
  return reply.code(status ?? (location === undefined ? 200 : 201)).send(body);
}

function missing(): never {
  throw new Refusal("forbidden", "this takes a token");
}
