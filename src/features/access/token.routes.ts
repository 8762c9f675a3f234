import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { pageOf } from "../../page.ts";
import { parseText } from "../../text.ts";
import type { Broker } from "../broker.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import { createdToken, newToken, tokenList, tokenParams, tokenQuery, tokenView, viewToken } from "./token.schema.ts";
import { createToken, listTokens, readToken, revokeToken } from "./token.service.ts";

const tag = "Tokens";

export const tokenEndpoints = (broker: Broker): Endpoint[] => [
  endpoint({
    method: "POST",
    path: "/v1/tokens",
    operationId: "createToken",
    tag,
    summary: "Make a token of no wider rights than one's own; it is shown once",
    permission: "token:create",
    body: newToken,
    answer: createdToken,
    refusals: ["not-found", "invalid-mesh-id", "wider-rights", "admin-token-exists", "invalid-text"],
    async handle({ body, token }) {
      const asked = {
        name: parseText(body.name, "/name"),
        role: body.role,
        meshes: (body.meshes ?? []).map((meshId, index) => parseMeshId(meshId, `/meshes/${index}`)),
        expiresInSeconds: body.expiresInSeconds ?? broker.tokenLives.defaultSeconds,
      };
      const made = await broker.unitOfWork.run(token, (work) => createToken(work, token, asked, broker.tokenLives));
      return {
        body: { ...viewToken(made.token, token.scope), token: made.secret },
        location: `/v1/tokens/${made.token.tokenId}`,
      };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/tokens",
    operationId: "listTokens",
    tag,
    summary: "List tokens, without their secrets",
    permission: "token:read",
    query: tokenQuery,
    answer: tokenList,
    refusals: ["invalid-cursor"],
    async handle({ query, token }) {
      const found = await listTokens(broker.db, token.scope, fromCursor(query.cursor, ""), query.limit + 1);
      const page = pageOf(found, query.limit, ({ tokenId }) => toCursor(tokenId));
      return { body: { ...page, tokens: page.items.map((found) => viewToken(found, token.scope)) } };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/tokens/{tokenId}",
    operationId: "readToken",
    tag,
    summary: "Read a token, without its secret",
    permission: "token:read",
    params: tokenParams,
    answer: tokenView,
    refusals: ["not-found"],
    async handle({ params, token }) {
      return { body: viewToken(await readToken(broker.db, token.scope, params.tokenId), token.scope) };
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/v1/tokens/{tokenId}",
    operationId: "revokeToken",
    tag,
    summary: "Revoke a token, at once",
    permission: "token:revoke",
    params: tokenParams,
    answer: nothing,
    refusals: ["not-found", "wider-rights", "already-ended"],
    async handle({ params, token }) {
      await broker.unitOfWork.run(token, (work) => revokeToken(work, token, params.tokenId));
      return { body: {} };
    },
  }),
];
