import Type, { type Static } from "typebox";
import { meshId, orNull, strictObject, text, time } from "../../http/schemas.ts";
import { toRfc3339, toRfc3339OrNull } from "../../time.ts";
import { ROLES, reaches, type Scope } from "./role.ts";
import type { Token } from "./token.ts";

const role = Type.Enum([...ROLES], { description: "operator and auditor speak for no mesh; the others name theirs." });

export const newToken = strictObject(
  {
    name: text("What it is for."),
    role,
    meshes: Type.Optional(Type.Array(meshId, { maxItems: 100, description: "Of a mesh-admin or mesh-viewer." })),
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 1, description: "Default 90 days, at most 366." })),
  },
  { $id: "NewToken" },
);
export const tokenRotation = strictObject(
  {
    overlapSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 86_400,
        description: "How long the old token still works, not beyond its own end; 0 ends it at once. Default 24 hours.",
      }),
    ),
  },
  { $id: "TokenRotation" },
);
const tokenMembers = {
  tokenId: Type.String(),
  name: Type.String(),
  role,
  meshes: Type.Array(meshId),
  createdAt: time("When it was made."),
  createdBy: Type.String({ description: "The token or invitation that made it." }),
  expiresAt: time("When it ends."),
  revokedAt: orNull(time("When it was revoked.")),
  lastUsedAt: orNull(time("When it was used last, to within a few seconds.")),
};
export const tokenView = strictObject(tokenMembers, { $id: "Token" });
export const createdToken = strictObject(
  { ...tokenMembers, token: Type.String({ description: "The bearer secret; shown once." }) },
  { $id: "CreatedToken" },
);
export const rotatedToken = strictObject(
  {
    ...createdToken.properties,
    predecessor: strictObject({ tokenId: Type.String(), expiresAt: time("When the old token ends.") }),
  },
  { $id: "RotatedToken" },
);
export const tokenParams = strictObject({ tokenId: Type.String({ maxLength: 64 }) });

/** To a mesh's people a token names their own meshes alone, whichever others it speaks for (S21). */
export const viewToken = (token: Token, scope: Scope): Static<typeof tokenView> => ({
  tokenId: token.tokenId,
  name: token.name,
  role: token.role,
  meshes: token.meshes.filter((meshId) => reaches(scope, meshId)),
  createdAt: toRfc3339(token.createdAt),
  createdBy: token.createdBy,
  expiresAt: toRfc3339(token.expiresAt),
  revokedAt: toRfc3339OrNull(token.revokedAt),
  lastUsedAt: toRfc3339OrNull(token.lastUsedAt),
});
