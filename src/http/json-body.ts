import type { FastifyInstance } from "fastify";
import { Refusal } from "../errors.ts";
import { parseJson } from "../json/parse-json.ts";

/**
 * Reads request bodies with the one parser of foreign JSON, and no other kind of body (S2, S5). A body that a client
 * encoded is refused, not inflated (S1).
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "buffer" },
    async (request: { headers: Record<string, unknown> }, body: Buffer) => {
      if (request.headers["content-encoding"] !== undefined)
        throw new Refusal("unsupported-media-type", "the body is encoded");
      if (body.length === 0) throw new Refusal("invalid-json", "the body is empty");
      return parseJson(body);
    },
  );
}
