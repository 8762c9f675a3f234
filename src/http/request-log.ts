import type { FastifyInstance } from "fastify";
import "./request-context.ts";

/** One line a request: who, which operation, how it ended. The path is not in it, since it may hold what is secret (S33). */
export function logRequests(app: FastifyInstance): void {
  app.addHook("onResponse", async (request, reply) => {
    request.log.info(
      {
        operation: request.routeOptions.config?.endpoint?.operationId ?? null,
        caller: request.caller?.id ?? null,
        source: request.ip,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      "request",
    );
  });
}
