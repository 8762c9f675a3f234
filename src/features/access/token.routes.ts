import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { parseName } from "../../text.ts";
import { toRfc3339 } from "../../time.ts";
import type { Broker } from "../broker.ts";
import { referredMesh } from "./caller.ts";
import {
  createdToken,
  newToken,
  rotatedToken,
  tokenParams,
  tokenRotation,
  tokenView,
  viewToken,
} from "./token.schema.ts";
import { createToken, listTokens, readToken, revokeToken, rotateToken } from "./token.service.ts";
import { ROTATION_OVERLAP_SECONDS } from "./token.ts";

const tag = "Tokens";

export const tokenEndpoints = (broker: Broker): Endpoint[] => [
  change({
    method: "POST",
    path: "/v1/tokens",
    operationId: "createToken",
    tag,
    summary: "Make a token of no wider rights than one's own; it is shown once",
    permission: "token:create",
    body: newToken,
    creates: true,
    shownOnce: { secrets: ["token"], of: "tokenId" },
    answer: createdToken,
    refusals: ["not-found", "wider-rights", "admin-token-exists", "invalid-text", "quota-exceeded"],
    async change(work, { body, token }) {
      const asked = {
        name: parseName(body.name, "/name"),
        role: body.role,
        meshes: (body.meshes ?? []).map((meshId, index) => referredMesh(meshId, `/meshes/${index}`)),
        expiresInSeconds: body.expiresInSeconds ?? broker.tokenLives.defaultSeconds,
      };
      const made = await createToken(work, token, asked, broker.tokenLives);
      return {
        body: { ...viewToken(made.token, token.scope), token: made.secret },
        location: `/v1/tokens/${made.token.tokenId}`,
      };
    },
  }),
  list({
    path: "/v1/tokens",
    operationId: "listTokens",
    tag,
    summary: "List tokens, without their secrets",
    permission: "token:read",
    plural: "tokens",
    named: "TokenList",
    item: tokenView,
    cursor: "text",
    refusals: [],
    find: (db, { token }, { after = "", limit }) => listTokens(db, token.scope, after, limit),
    cursorOf: ({ tokenId }) => tokenId,
    view: (found, { call }) => viewToken(found, call.token.scope),
  }),
  read({
    path: "/v1/tokens/{tokenId}",
    operationId: "readToken",
    tag,
    summary: "Read a token, without its secret",
    permission: "token:read",
    params: tokenParams,
    answer: tokenView,
    refusals: ["not-found"],
    async read(db, { params, token }) {
      return { body: viewToken(await readToken(db, token.scope, params.tokenId), token.scope) };
    },
  }),
  change({
    method: "DELETE",
    path: "/v1/tokens/{tokenId}",
    operationId: "revokeToken",
    tag,
    summary: "Revoke a token, at once",
    permission: "token:revoke",
    params: tokenParams,
    answer: nothing,
    refusals: ["not-found", "wider-rights", "already-ended"],
    async change(work, { params, token }) {
      await revokeToken(work, token, params.tokenId);
      return { body: {} };
    },
  }),
  change({
    method: "POST",
    path: "/v1/tokens/{tokenId}/rotations",
    operationId: "rotateToken",
    tag,
    summary: "Make a successor of the same name, role and meshes; the old token works until the overlap ends",
    permission: "token:create",
    params: tokenParams,
    body: tokenRotation,
    creates: true,
    shownOnce: { secrets: ["token"], of: "tokenId" },
    answer: rotatedToken,
    refusals: ["not-found", "wider-rights", "already-ended", "quota-exceeded"],
    async change(work, { params, body, token }) {
      const made = await rotateToken(work, token, params.tokenId, body.overlapSeconds ?? ROTATION_OVERLAP_SECONDS);
      return {
        body: {
          ...viewToken(made.token, token.scope),
          token: made.secret,
          predecessor: { tokenId: params.tokenId, expiresAt: toRfc3339(made.predecessorEndsAt) },
        },
        location: `/v1/tokens/${made.token.tokenId}`,
      };
    },
  }),
];
