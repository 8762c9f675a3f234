import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { pageOf } from "../../page.ts";
import { parseTrustDomain } from "../../spiffe/trust-domain.ts";
import type { Broker } from "../broker.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import { notFound } from "./caller.ts";
import {
  createdInvitation,
  invitationList,
  invitationParams,
  invitationQuery,
  invitationView,
  newInvitation,
  viewInvitation,
} from "./invitation.schema.ts";
import { findInvitation, invite, listInvitations, revokeInvitation } from "./invitation.service.ts";

const tag = "Invitations";

export const invitationEndpoints = (broker: Broker): Endpoint[] => [
  endpoint({
    method: "POST",
    path: "/v1/invitations",
    operationId: "invite",
    tag,
    summary: "Invite somebody to register one mesh; the token is shown once",
    permission: "invitation:manage",
    body: newInvitation,
    answer: createdInvitation,
    refusals: ["invalid-trust-domain", "invalid-mesh-id", "trust-domain-reserved", "trust-domain-freed"],
    async handle({ body, token }) {
      const asked = {
        trustDomain: parseTrustDomain(body.trustDomain, "/trustDomain"),
        meshId: body.meshId === undefined ? null : parseMeshId(body.meshId, "/meshId"),
        expiresInSeconds: body.expiresInSeconds ?? broker.invitationSeconds,
      };
      const made = await broker.unitOfWork.run(token, (work) => invite(work, asked, broker.trustDomain));
      return {
        body: { ...viewInvitation(made.invitation, broker.clock()), token: made.secret },
        location: `/v1/invitations/${made.invitation.invitationId}`,
      };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/invitations",
    operationId: "listInvitations",
    tag,
    summary: "List invitations, without their secrets",
    permission: "invitation:read",
    query: invitationQuery,
    answer: invitationList,
    refusals: ["invalid-cursor"],
    async handle({ query }) {
      const found = await listInvitations(broker.db, fromCursor(query.cursor, ""), query.limit + 1);
      const page = pageOf(found, query.limit, ({ invitationId }) => toCursor(invitationId));
      return {
        body: { ...page, invitations: page.items.map((invitation) => viewInvitation(invitation, broker.clock())) },
      };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/invitations/{invitationId}",
    operationId: "readInvitation",
    tag,
    summary: "Read an invitation, without its secret",
    permission: "invitation:read",
    params: invitationParams,
    answer: invitationView,
    refusals: ["not-found"],
    async handle({ params }) {
      const found = await findInvitation(broker.db, params.invitationId);
      if (!found) throw notFound();
      return { body: viewInvitation(found, broker.clock()) };
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/v1/invitations/{invitationId}",
    operationId: "revokeInvitation",
    tag,
    summary: "Revoke an invitation that nobody has used",
    permission: "invitation:manage",
    params: invitationParams,
    answer: nothing,
    refusals: ["not-found", "already-ended"],
    async handle({ params, token }) {
      await broker.unitOfWork.run(token, (work) => revokeInvitation(work, params.invitationId));
      return { body: {} };
    },
  }),
];
