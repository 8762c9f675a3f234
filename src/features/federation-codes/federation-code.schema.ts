import Type, { type Static } from "typebox";
import { meshId, orNull, reasonForBothSides, strictObject, time } from "../../http/schemas.ts";
import { type EpochMs, SECOND_MS, toRfc3339, toRfc3339OrNull } from "../../time.ts";
import { codeState, type FederationCode, LONGEST_LIFE_MS } from "./federation-code.ts";

const codeRole = Type.Enum(["consumer", "provider"]);
const trust = Type.Array(codeRole, {
  minItems: 1,
  maxItems: 2,
  uniqueItems: true,
  description:
    "What this mesh is to the one that proposes with the code: as a consumer it trusts it, as a provider it is trusted.",
});

export const newCode = strictObject(
  {
    expiresInSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LONGEST_LIFE_MS / SECOND_MS,
        description: "Of the code. Default 7 days.",
      }),
    ),
    trust: Type.Optional(trust),
    federationExpiresAt: Type.Optional(time("When the federation ends by itself.")),
    reason: reasonForBothSides,
  },
  {
    $id: "NewFederationCode",
    description: "What is absent of `trust` and `federationExpiresAt` is left to whoever proposes with the code.",
  },
);
const codeMembers = {
  codeId: Type.String(),
  meshId,
  state: Type.Enum(["open", "spent", "revoked", "expired"]),
  trust: orNull(trust),
  federationExpiresAt: orNull(time("When the federation ends by itself.")),
  reason: orNull(Type.String()),
  createdAt: time("When it was made."),
  createdBy: Type.String({ description: "The token that made it." }),
  expiresAt: time("When it ends."),
  revokedAt: orNull(time("When it was revoked.")),
  spentAt: orNull(time("When a federation was proposed with it.")),
  spentBy: orNull(meshId),
  federationId: orNull(Type.String()),
};
export const codeView = strictObject(codeMembers, { $id: "FederationCode" });
export const createdCode = strictObject(
  {
    ...codeMembers,
    code: Type.String({
      description: "For the `code` of one POST /v1/federations; shown once. It is no bearer: it opens nothing else.",
    }),
  },
  { $id: "CreatedFederationCode" },
);
export const codesParams = strictObject({ meshId });
export const codeParams = strictObject({ meshId, codeId: Type.String({ maxLength: 64 }) });

export const viewCode = (code: FederationCode, now: EpochMs): Static<typeof codeView> => ({
  codeId: code.codeId,
  meshId: code.meshId,
  state: codeState(code, now),
  trust: code.trust && [...code.trust],
  federationExpiresAt: toRfc3339OrNull(code.federationExpiresAt),
  reason: code.reason,
  createdAt: toRfc3339(code.createdAt),
  createdBy: code.createdBy,
  expiresAt: toRfc3339(code.expiresAt),
  revokedAt: toRfc3339OrNull(code.revokedAt),
  spentAt: toRfc3339OrNull(code.spentAt),
  spentBy: code.spentBy,
  federationId: code.federationId,
});
