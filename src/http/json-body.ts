import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance, FastifyRequest } from "fastify";
import "./request-context.ts";
import { Refusal } from "../errors.ts";
import { parseJson } from "../json/parse-json.ts";
import type { Endpoint } from "./endpoint.ts";
import { mayLackBody, takesBody } from "./request-body.ts";

const CHARSET = /;\s*charset="?([^\s";]*)/i;

/**
 * Reads request bodies with the one parser of foreign JSON, and no other kind of body (S2, S5). A body that a client
 * encoded is refused, not inflated (S1).
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    async ({ headers, routeOptions }: FastifyRequest, body: Buffer) => {
      if (headers["content-encoding"] !== undefined) throw new Refusal("unsupported-media-type", "the body is encoded");
      const charset = CHARSET.exec(String(headers["content-type"]))?.[1];
      if (charset !== undefined && charset.toLowerCase() !== "utf-8")
        throw new Refusal("unsupported-media-type", "the body is not in UTF-8");
      if (body.length === 0 && !asksForBody(routeOptions.config.endpoint)) return undefined;
      if (body.length === 0) throw new Refusal("invalid-json", "the body is empty");
      return parseJson(body);
    },
  );
}

const asksForBody = (endpoint: Endpoint | undefined): boolean =>
  takesBody(endpoint) && !mayLackBody(endpoint.method, endpoint.body);

/**
 * Looks at what a head says of the body (RFC 9112, 6) before it is asked for and read. One that the operation does not take
 * would be read for nothing, and what its sender means by it ignored. One of no bytes is none, and has no type, whatever its
 * client says it is.
 * @throws {Refusal} `invalid-request` where a body comes that the operation does not take
 */
export function checkBodyAhead({ headers }: FastifyRequest, endpoint: Endpoint): void {
  if (endpoint.method === "GET" || asksForBody(endpoint)) return;
  if (!bringsBody(headers)) delete headers["content-type"];
  else if (!takesBody(endpoint)) throw new Refusal("invalid-request", "the operation takes no body", { pointer: "" });
}

const bringsBody = ({ "content-length": length = "0", "transfer-encoding": coding }: IncomingHttpHeaders): boolean =>
  length !== "0" || coding !== undefined;

/** @throws {Refusal} `invalid-request` where there is no body and something must be said */
export function requireBody(request: FastifyRequest, endpoint: Endpoint): void {
  if (request.body !== undefined || !takesBody(endpoint)) return;
  if (asksForBody(endpoint)) throw new Refusal("invalid-request", "the request has no body", { pointer: "" });
  request.body = {};
}
