import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import "./request-context.ts";
import { Refusal } from "../errors.ts";
import { notFound } from "../features/access/caller.ts";
import { pathOf } from "../request-target.ts";
import { SAFE_HEADERS } from "../safe-headers.ts";
import { allowedMethods } from "./allowed-methods.ts";
import { isForNow } from "./answer-headers.ts";
import type { Endpoint } from "./endpoint.ts";
import { asRefusal, inParameter, PROBLEM_TYPE, problemOf } from "./problem.ts";
import { REFERENCE_ROUTES } from "./reference.ts";
import { takesBody } from "./request-body.ts";
import { isDryRun, isHeldBack } from "./request-head.ts";

/** What every answer of the admin API carries: it is of who asked, and kept nowhere. */
export const ADMIN_HEADERS = { ...SAFE_HEADERS, "Cache-Control": "no-store" };

/** Told of every request that was turned away, before the answer leaves (S70). */
export interface RefusalListener {
  refused(
    request: {
      readonly endpoint: Endpoint | undefined;
      readonly caller: FastifyRequest["caller"];
      readonly meshId: string | undefined;
      /** Nothing was to change: what is refused of it is no attempt. */
      readonly dryRun?: boolean;
    },
    refusal: Refusal,
  ): Promise<void>;
}

/** What is known of a request that came to no route. */
export const OF_NO_ROUTE = { endpoint: undefined, caller: undefined, meshId: undefined };

/** Every error, the framework's own included, is a problem document. */
export function answerErrors(app: FastifyInstance, endpoints: readonly Endpoint[], listener: RefusalListener): void {
  const methodsOf = allowedMethods([...endpoints, ...REFERENCE_ROUTES]);

  app.addHook("onSend", async (_request, reply) => {
    reply.headers(ADMIN_HEADERS);
  });
  app.setErrorHandler(async (error, request, reply) => {
    // A method that the framework knows and no operation has, such as QUERY, is refused before the route is missed.
    if ((error as { code?: string }).code === "FST_ERR_ROUTE_MISSING_CONTENT_TYPE") return noSuchRoute(request, reply);
    const { config, bodyLimit } = request.routeOptions;
    const { endpoint } = config as { endpoint?: Endpoint };
    // What an operation without a body is refused for stands in its query.
    const refusal = inParameter(asRefusal(error, bodyLimit), takesBody(endpoint) ? undefined : "query");
    if (refusal.status >= 500) request.log.error(told(refusal), "request failed");
    const { meshId } = (request.params ?? {}) as { meshId?: string };
    await listener.refused({ endpoint, caller: request.caller, meshId, dryRun: isDryRun(request) }, refusal);
    return send(reply, refusal, request.id);
  });
  app.setNotFoundHandler(noSuchRoute);
  // Before a body is waited for that nobody asked for.
  app.addHook("onRequest", async (request, reply) => {
    if (request.is404 && isHeldBack(reply)) await noSuchRoute(request, reply);
  });

  async function noSuchRoute(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const methods = methodsOf(pathOf(request.url));
    // Where the method is one of them, it is a file of the reference that is not there.
    const isWrongMethod = methods.length > 0 && !methods.includes(request.method);
    const refusal = isWrongMethod
      ? new Refusal("method-not-allowed", `${request.method} is not one of ${methods.join(", ")}`)
      : notFound();
    if (isWrongMethod) reply.header("allow", methods.join(", "));
    await listener.refused(OF_NO_ROUTE, refusal);
    return send(reply, refusal, request.id);
  }
}

/**
 * The router gives up on a path that it cannot decode or that is too long: it is absent like any other, and not
 * repeated (S16, S33). No hook runs for it.
 */
export const frameworkErrors =
  (listener: RefusalListener) =>
  async (_error: Error, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const refusal = notFound();
    await listener.refused(OF_NO_ROUTE, refusal);
    void send(reply.headers(ADMIN_HEADERS), refusal, request.id);
  };

/** Of a database that is away each request tells, and not where the program was: the log must not fill the disk meanwhile. */
function told(refusal: Refusal): object {
  const { code, cause } = refusal;
  if (code !== "storage-unavailable" || !(cause instanceof Error)) return { err: cause ?? refusal };
  return { failure: cause.message, failureCode: (cause as { code?: unknown }).code };
}

function send(reply: FastifyReply, refusal: Refusal, requestId: string): FastifyReply {
  // Where the request ends is in doubt, or its body does not come.
  if (refusal.code === "malformed-request" || refusal.code === "expectation-failed" || isHeldBack(reply))
    reply.header("connection", "close");
  if (refusal.status === 401) reply.header("www-authenticate", 'Bearer realm="entente"');
  if (isForNow(refusal.code)) reply.header("retry-after", String(refusal.extra.retryAfterSeconds ?? 1));
  return reply.code(refusal.status).type(PROBLEM_TYPE).send(problemOf(refusal, requestId));
}
