import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { pageOf } from "../../page.ts";
import { parseOptionalText } from "../../text.ts";
import { parseTime } from "../../time.ts";
import type { Broker } from "../broker.ts";
import { isMeshId, parseMeshId } from "../meshes/mesh-id.ts";
import {
  consentDecision,
  federationList,
  federationParams,
  federationQuery,
  federationView,
  newFederation,
  termsChange,
  viewFederation,
} from "./federation.schema.ts";
import { askForTerms, giveConsent, listFederations, propose, visibleFederation } from "./federation.service.ts";
import type { Federation } from "./federation.ts";
import { observeFederation } from "./observe.service.ts";
import type { Direction } from "./terms.ts";

const tag = "Federations";

const parseTrust = (trust: readonly { consumer: string; provider: string }[] | undefined): Direction[] | undefined =>
  trust?.map(({ consumer, provider }, index) => ({
    consumer: parseMeshId(consumer, `/trust/${index}/consumer`),
    provider: parseMeshId(provider, `/trust/${index}/provider`),
  }));

export function federationEndpoints(broker: Broker): Endpoint[] {
  const view = async (federation: Federation) =>
    viewFederation(await observeFederation(broker.db, federation, broker.clock()));
  return [
    endpoint({
      method: "POST",
      path: "/v1/federations",
      operationId: "proposeFederation",
      tag,
      summary: "Propose a federation; an admin of the proposer consents with it",
      permission: "federation:propose",
      body: newFederation,
      answer: federationView,
      refusals: [
        "not-found",
        "invalid-mesh-id",
        "membership-pending",
        "federation-with-itself",
        "invalid-terms",
        "federation-exists",
        "invalid-text",
      ],
      async handle({ body, token }) {
        const asked = {
          proposer: parseMeshId(body.proposer, "/proposer"),
          peer: parseMeshId(body.peer, "/peer"),
          trust: parseTrust(body.trust),
          expiresAt: body.expiresAt === undefined ? null : parseTime(body.expiresAt, "/expiresAt"),
          reason: parseOptionalText(body.reason, "/reason"),
        };
        const federation = await broker.unitOfWork.run(token, (work) => propose(work, token, asked));
        return { body: await view(federation), location: `/v1/federations/${federation.federationId}` };
      },
    }),
    endpoint({
      method: "GET",
      path: "/v1/federations",
      operationId: "listFederations",
      tag,
      summary:
        "List federations of the meshes that the credential reaches, and of members of trust domains that they own",
      permission: "federation:read",
      query: federationQuery,
      answer: federationList,
      refusals: ["invalid-cursor"],
      async handle({ query, token }) {
        const filter = query.meshId !== undefined && isMeshId(query.meshId) ? { meshId: query.meshId } : {};
        const found = await listFederations(
          broker.db,
          token.scope,
          filter,
          fromCursor(query.cursor, ""),
          query.limit + 1,
        );
        const page = pageOf(found, query.limit, ({ federationId }) => toCursor(federationId));
        return { body: { ...page, federations: await Promise.all(page.items.map(view)) } };
      },
    }),
    endpoint({
      method: "GET",
      path: "/v1/federations/{federationId}",
      operationId: "readFederation",
      tag,
      summary: "Read a federation: terms, consents, and what holds at this moment",
      permission: "federation:read",
      params: federationParams,
      answer: federationView,
      refusals: ["not-found"],
      async handle({ params, token }) {
        return { body: await view(await visibleFederation(broker.db, token.scope, params.federationId)) };
      },
    }),
    endpoint({
      method: "POST",
      path: "/v1/federations/{federationId}/consents",
      operationId: "giveConsent",
      tag,
      summary: "Grant, deny or withdraw for one side; or veto as the owner of a side's trust domain",
      permission: "federation:consent",
      params: federationParams,
      body: consentDecision,
      answer: federationView,
      refusals: [
        "not-found",
        "invalid-mesh-id",
        "terms-changed",
        "federation-decision",
        "federation-exists",
        "invalid-text",
      ],
      async handle({ params, body, token }) {
        const asked = {
          meshId: parseMeshId(body.meshId, "/meshId"),
          decision: body.decision,
          termsDigest: body.termsDigest ?? null,
          reason: parseOptionalText(body.reason, "/reason"),
        };
        return {
          body: await view(
            await broker.unitOfWork.run(token, (work) => giveConsent(work, token, params.federationId, asked)),
          ),
        };
      },
    }),
    endpoint({
      method: "POST",
      path: "/v1/federations/{federationId}/terms",
      operationId: "askForTerms",
      tag,
      summary: "Ask for other terms; what narrows one's own side takes effect at once",
      permission: "federation:consent",
      params: federationParams,
      body: termsChange,
      answer: federationView,
      refusals: [
        "not-found",
        "invalid-mesh-id",
        "invalid-terms",
        "terms-unchanged",
        "federation-exists",
        "invalid-text",
      ],
      async handle({ params, body, token }) {
        const asked = {
          meshId: parseMeshId(body.meshId, "/meshId"),
          trust: parseTrust(body.trust),
          expiresAt: typeof body.expiresAt === "string" ? parseTime(body.expiresAt, "/expiresAt") : body.expiresAt,
          reason: parseOptionalText(body.reason, "/reason"),
        };
        return {
          body: await view(
            await broker.unitOfWork.run(token, (work) => askForTerms(work, token, params.federationId, asked)),
          ),
        };
      },
    }),
  ];
}
