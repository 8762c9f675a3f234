import { change, type Endpoint } from "../../http/endpoint.ts";
import { parseName, parseText } from "../../text.ts";
import { referredMesh } from "../access/caller.ts";
import { createdToken, viewToken } from "../access/token.schema.ts";
import type { Broker } from "../broker.ts";
import { federationView, viewFederation } from "../federations/federation.schema.ts";
import { observeFederation, surroundingsAt } from "../federations/observe.service.ts";
import { breakGlassConsent, breakGlassToken } from "./break-glass.schema.ts";
import { consentByBreakGlass, tokenByBreakGlass } from "./break-glass.service.ts";

const tag = "Break-glass";
const DEFAULT_TOKEN_SECONDS = 3_600;

export const breakGlassEndpoints = (broker: Broker): Endpoint[] => [
  change({
    method: "POST",
    path: "/v1/break-glass/consents",
    operationId: "consentByBreakGlass",
    tag,
    summary: "Give a mesh's word on a federation in its place, with a reason that its people read; off by default",
    permission: "break-glass:use",
    body: breakGlassConsent,
    answer: federationView,
    refusals: [
      "break-glass-off",
      "not-found",
      "invalid-text",
      "terms-changed",
      "federation-decision",
      "federation-exists",
      "quota-exceeded",
    ],
    async change(work, { body, token }) {
      const asked = {
        federationId: body.federationId,
        meshId: referredMesh(body.meshId, "/meshId"),
        decision: body.decision,
        termsDigest: body.termsDigest ?? null,
        reason: parseText(body.reason, "/reason"),
      };
      const federation = await consentByBreakGlass(work, token, broker.breakGlass, asked);
      return {
        body: async (db) =>
          viewFederation(await observeFederation(db, federation, surroundingsAt(db, work.now)), token.scope),
      };
    },
  }),
  change({
    method: "POST",
    path: "/v1/break-glass/tokens",
    operationId: "makeTokenByBreakGlass",
    tag,
    summary: "Make an admin token of a mesh that has one, with a reason that its people read; off by default",
    permission: "break-glass:use",
    body: breakGlassToken,
    creates: true,
    shownOnce: { secrets: ["token"], of: "tokenId" },
    answer: createdToken,
    refusals: ["break-glass-off", "not-found", "invalid-text", "quota-exceeded"],
    async change(work, { body, token }) {
      const asked = {
        meshId: referredMesh(body.meshId, "/meshId"),
        name: parseName(body.name, "/name"),
        expiresInSeconds: body.expiresInSeconds ?? DEFAULT_TOKEN_SECONDS,
        reason: parseText(body.reason, "/reason"),
      };
      const made = await tokenByBreakGlass(work, broker.breakGlass, asked);
      return {
        body: { ...viewToken(made.token, token.scope), token: made.secret },
        location: `/v1/tokens/${made.token.tokenId}`,
      };
    },
  }),
];
