import type { FastifyRequest } from "fastify";
import type { Broker } from "../features/broker.ts";
import { type CursorBinding, fromCursor, toCursor } from "./cursor.ts";
import type { ReadEndpoint } from "./endpoint.ts";
import type { Page } from "./page.ts";

/** The page of a list that a request asks for, with cursors that are the caller's and the list's alone (S21). */
export function pageAsked(request: FastifyRequest, { operationId }: ReadEndpoint, broker: Broker): Page {
  const { cursor, limit = 1, ...query } = (request.query ?? {}) as { cursor?: string; limit?: number };
  const bindingOf = (): CursorBinding => {
    const { caller, params } = request;
    if (caller?.kind !== "token") throw new Error("a list takes a token");
    return { caller, operationId, params, query };
  };
  return {
    limit,
    // Its default is the schema's, which is there by now.
    most: new URLSearchParams(request.url.split("?")[1]).has("limit") ? limit : undefined,
    after: <T extends string | number>() =>
      cursor === undefined ? undefined : fromCursor<T>(broker.cursorKey, bindingOf(), cursor),
    next: (last) => toCursor(broker.cursorKey, bindingOf(), last),
  };
}
