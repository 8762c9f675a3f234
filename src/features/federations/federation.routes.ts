import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import type { Executor } from "../../store/tables.ts";
import { parseOptionalText } from "../../text.ts";
import { parseTime } from "../../time.ts";
import { referredMesh } from "../access/caller.ts";
import type { Scope } from "../access/role.ts";
import type { Broker } from "../broker.ts";
import { askForTerms, giveConsent } from "./decide.service.ts";
import {
  consentDecision,
  federationFilter,
  federationParams,
  federationView,
  newFederation,
  parseTrust,
  termsChange,
  viewFederation,
} from "./federation.schema.ts";
import type { Federation } from "./federation.ts";
import { observeFederation, surroundingsAt } from "./observe.service.ts";
import { propose } from "./propose.service.ts";
import { listFederations, visibleFederation } from "./visible-federation.service.ts";

const tag = "Federations";

export function federationEndpoints(broker: Broker): Endpoint[] {
  const view = async (
    db: Executor,
    federation: Federation,
    { scope }: { readonly scope: Scope },
    around = surroundingsAt(db, broker.clock()),
  ) => viewFederation(await observeFederation(db, federation, around), scope);
  return [
    change({
      method: "POST",
      path: "/v1/federations",
      operationId: "proposeFederation",
      tag,
      summary: "Propose a federation; an admin of the proposer consents with it",
      permission: "federation:propose",
      body: newFederation,
      creates: true,
      answer: federationView,
      refusals: [
        "not-found",
        "membership-pending",
        "federation-with-itself",
        "invalid-terms",
        "federation-exists",
        "federation-code-invalid",
        "invalid-text",
        "quota-exceeded",
      ],
      async change(work, { body, token }) {
        const asked = {
          proposer: referredMesh(body.proposer, "/proposer"),
          peer: body.peer === undefined ? undefined : referredMesh(body.peer, "/peer"),
          code: body.code,
          trust: parseTrust(body.trust),
          expiresAt: body.expiresAt === undefined ? undefined : parseTime(body.expiresAt, "/expiresAt"),
          reason: parseOptionalText(body.reason, "/reason"),
        };
        const federation = await propose(work, token, asked);
        return { body: (db) => view(db, federation, token), location: `/v1/federations/${federation.federationId}` };
      },
    }),
    list({
      path: "/v1/federations",
      operationId: "listFederations",
      tag,
      summary:
        "List federations of the meshes that the credential reaches, and of members of trust domains that they own",
      permission: "federation:read",
      query: federationFilter,
      plural: "federations",
      named: "FederationList",
      item: federationView,
      cursor: "text",
      refusals: [],
      async find(db, { query, token }, { after = "", limit }) {
        const filter = query.meshId === undefined ? {} : { meshId: query.meshId };
        const around = surroundingsAt(db, broker.clock());
        return (await listFederations(db, token.scope, filter, after, limit)).map((federation) => ({
          federation,
          around,
        }));
      },
      cursorOf: ({ federation }) => federation.federationId,
      view: ({ federation, around }, { db, call }) => view(db, federation, call.token, around),
    }),
    read({
      path: "/v1/federations/{federationId}",
      operationId: "readFederation",
      tag,
      summary: "Read a federation: terms, consents, and what holds at this moment",
      permission: "federation:read",
      params: federationParams,
      answer: federationView,
      refusals: ["not-found"],
      async read(db, { params, token }) {
        return { body: await view(db, await visibleFederation(db, token.scope, params.federationId), token) };
      },
    }),
    change({
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
        "terms-changed",
        "federation-decision",
        "federation-exists",
        "invalid-text",
        "quota-exceeded",
      ],
      async change(work, { params, body, token }) {
        const asked = {
          meshId: referredMesh(body.meshId, "/meshId"),
          decision: body.decision,
          termsDigest: body.termsDigest ?? null,
          reason: parseOptionalText(body.reason, "/reason"),
        };
        const decided = await giveConsent(work, token, params.federationId, asked);
        return { body: (db) => view(db, decided, token) };
      },
    }),
    change({
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
        "invalid-terms",
        "terms-unchanged",
        "federation-exists",
        "invalid-text",
        "quota-exceeded",
      ],
      async change(work, { params, body, token }) {
        const asked = {
          meshId: referredMesh(body.meshId, "/meshId"),
          trust: parseTrust(body.trust),
          expiresAt: typeof body.expiresAt === "string" ? parseTime(body.expiresAt, "/expiresAt") : body.expiresAt,
          reason: parseOptionalText(body.reason, "/reason"),
        };
        const changed = await askForTerms(work, token, params.federationId, asked);
        return { body: (db) => view(db, changed, token) };
      },
    }),
  ];
}
