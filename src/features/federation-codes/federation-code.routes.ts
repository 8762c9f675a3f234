import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { parseOptionalText } from "../../text.ts";
import { parseTime } from "../../time.ts";
import { notFound } from "../access/caller.ts";
import type { Broker } from "../broker.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import { codeParams, codesParams, codeView, createdCode, newCode, viewCode } from "./federation-code.schema.ts";
import { createCode, findCode, listCodes, revokeCode } from "./federation-code.service.ts";

const tag = "Federations";

export const federationCodeEndpoints = (broker: Broker): Endpoint[] => [
  change({
    method: "POST",
    path: "/v1/meshes/{meshId}/federation-codes",
    operationId: "createFederationCode",
    tag,
    summary: "Consent to a federation before it is proposed, by a one-time code; it is shown once",
    permission: "federation:consent",
    params: codesParams,
    body: newCode,
    creates: true,
    shownOnce: { secrets: ["code"], of: "codeId" },
    answer: createdCode,
    refusals: ["not-found", "membership-pending", "invalid-terms", "quota-exceeded", "invalid-text"],
    async change(work, { params, body }) {
      const meshId = parseMeshId(params.meshId);
      const made = await createCode(work, meshId, {
        trust: body.trust ?? null,
        federationExpiresAt:
          body.federationExpiresAt === undefined ? null : parseTime(body.federationExpiresAt, "/federationExpiresAt"),
        expiresInSeconds: body.expiresInSeconds,
        reason: parseOptionalText(body.reason, "/reason"),
      });
      return {
        body: { ...viewCode(made.code, work.now), code: made.secret },
        location: `/v1/meshes/${meshId}/federation-codes/${made.code.codeId}`,
      };
    },
  }),
  list({
    path: "/v1/meshes/{meshId}/federation-codes",
    operationId: "listFederationCodes",
    tag,
    summary: "List a mesh's federation codes, without their secrets",
    permission: "federation:read",
    params: codesParams,
    plural: "federationCodes",
    named: "FederationCodeList",
    item: codeView,
    cursor: "text",
    refusals: ["not-found"],
    find: (db, { params }, { after = "", limit }) => listCodes(db, parseMeshId(params.meshId), after, limit),
    cursorOf: ({ codeId }) => codeId,
    view: (code) => viewCode(code, broker.clock()),
  }),
  read({
    path: "/v1/meshes/{meshId}/federation-codes/{codeId}",
    operationId: "readFederationCode",
    tag,
    summary: "Read a federation code, without its secret",
    permission: "federation:read",
    params: codeParams,
    answer: codeView,
    refusals: ["not-found"],
    async read(db, { params }) {
      const found = await findCode(db, parseMeshId(params.meshId), params.codeId);
      if (!found) throw notFound();
      return { body: viewCode(found, broker.clock()) };
    },
  }),
  change({
    method: "DELETE",
    path: "/v1/meshes/{meshId}/federation-codes/{codeId}",
    operationId: "revokeFederationCode",
    tag,
    summary: "Revoke a federation code that nobody has used",
    permission: "federation:consent",
    params: codeParams,
    answer: nothing,
    refusals: ["not-found", "already-ended"],
    async change(work, { params }) {
      await revokeCode(work, parseMeshId(params.meshId), params.codeId);
      return { body: {} };
    },
  }),
];
