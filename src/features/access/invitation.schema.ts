import Type, { type Static } from "typebox";
import { meshId, orNull, strictObject, time, trustDomain } from "../../http/schemas.ts";
import { type EpochMs, toRfc3339, toRfc3339OrNull } from "../../time.ts";
import { type Invitation, invitationState } from "./invitation.ts";

export const newInvitation = strictObject(
  {
    trustDomain,
    meshId: Type.Optional(meshId),
    expiresInSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 366 * 86_400, description: "Default 7 days." }),
    ),
  },
  { $id: "NewInvitation" },
);
const invitationMembers = {
  invitationId: Type.String(),
  trustDomain,
  meshId: orNull(meshId),
  state: Type.Enum(["open", "spent", "void", "revoked", "expired"]),
  refusals: Type.Integer({ description: "Refused registrations; the tenth voids it." }),
  createdAt: time("When it was made."),
  createdBy: Type.String(),
  expiresAt: time("When it ends."),
  spentAt: orNull(time("When a mesh was registered with it.")),
  spentBy: orNull(meshId),
  revokedAt: orNull(time("When it was revoked, spent or not.")),
};
export const invitationView = strictObject(invitationMembers, { $id: "Invitation" });
export const createdInvitation = strictObject(
  {
    ...invitationMembers,
    token: Type.String({
      description: "The bearer secret for POST /v1/meshes; shown once, good for one registration.",
    }),
  },
  { $id: "CreatedInvitation" },
);
export const invitationParams = strictObject({ invitationId: Type.String({ maxLength: 64 }) });

export const viewInvitation = (invitation: Invitation, now: EpochMs): Static<typeof invitationView> => ({
  invitationId: invitation.invitationId,
  trustDomain: invitation.trustDomain,
  meshId: invitation.meshId,
  state: invitationState(invitation, now),
  refusals: invitation.refusals,
  createdAt: toRfc3339(invitation.createdAt),
  createdBy: invitation.createdBy,
  expiresAt: toRfc3339(invitation.expiresAt),
  spentAt: toRfc3339OrNull(invitation.spentAt),
  spentBy: invitation.spentBy,
  revokedAt: toRfc3339OrNull(invitation.revokedAt),
});
