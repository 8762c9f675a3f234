import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { parseTrustDomain } from "../../spiffe/trust-domain.ts";
import type { Broker } from "../broker.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import { notFound } from "./caller.ts";
import {
  createdInvitation,
  invitationParams,
  invitationView,
  newInvitation,
  viewInvitation,
} from "./invitation.schema.ts";
import { findInvitation, invite, listInvitations, revokeInvitation } from "./invitation.service.ts";

const tag = "Invitations";

export const invitationEndpoints = (broker: Broker): Endpoint[] => [
  change({
    method: "POST",
    path: "/v1/invitations",
    operationId: "invite",
    tag,
    summary: "Invite somebody to register one mesh; the token is shown once",
    permission: "invitation:manage",
    body: newInvitation,
    creates: true,
    shownOnce: { secrets: ["token"], of: "invitationId" },
    answer: createdInvitation,
    refusals: ["invalid-trust-domain", "invalid-mesh-id", "trust-domain-reserved", "trust-domain-freed"],
    async change(work, { body }) {
      const asked = {
        trustDomain: parseTrustDomain(body.trustDomain, "/trustDomain"),
        meshId: body.meshId === undefined ? null : parseMeshId(body.meshId, "/meshId"),
        expiresInSeconds: body.expiresInSeconds ?? broker.invitationSeconds,
      };
      const made = await invite(work, asked, broker.trustDomain);
      return {
        body: { ...viewInvitation(made.invitation, work.now), token: made.secret },
        location: `/v1/invitations/${made.invitation.invitationId}`,
      };
    },
  }),
  list({
    path: "/v1/invitations",
    operationId: "listInvitations",
    tag,
    summary: "List invitations, without their secrets",
    permission: "invitation:read",
    plural: "invitations",
    named: "InvitationList",
    item: invitationView,
    cursor: "text",
    refusals: [],
    find: (db, _call, { after = "", limit }) => listInvitations(db, after, limit),
    cursorOf: ({ invitationId }) => invitationId,
    view: (invitation) => viewInvitation(invitation, broker.clock()),
  }),
  read({
    path: "/v1/invitations/{invitationId}",
    operationId: "readInvitation",
    tag,
    summary: "Read an invitation, without its secret",
    permission: "invitation:read",
    params: invitationParams,
    answer: invitationView,
    refusals: ["not-found"],
    async read(db, { params }) {
      const found = await findInvitation(db, params.invitationId);
      if (!found) throw notFound();
      return { body: viewInvitation(found, broker.clock()) };
    },
  }),
  change({
    method: "DELETE",
    path: "/v1/invitations/{invitationId}",
    operationId: "revokeInvitation",
    tag,
    summary: "Revoke an invitation; a spent one then answers no replay of its registration either",
    permission: "invitation:manage",
    params: invitationParams,
    answer: nothing,
    refusals: ["not-found", "already-ended"],
    async change(work, { params }) {
      await revokeInvitation(work, params.invitationId);
      return { body: {} };
    },
  }),
];
