import Type, { type Static } from "typebox";
import { meshId, orNull, strictObject, text, time, trustDomain } from "../../http/schemas.ts";
import { toRfc3339, toRfc3339OrNull } from "../../time.ts";
import type { Distrust } from "./distrust.ts";

const fingerprint = Type.String({
  pattern: "^[0-9a-f]{64}$",
  description: "Of the authority, as a revision names it.",
});

export const newDistrust = strictObject(
  {
    trustDomain,
    fingerprint,
    reason: text("Why; nobody but the mesh's own people, operators and auditors sees it."),
    force: Type.Optional(Type.Boolean({ description: "Also where no other authority is left in the bundle." })),
  },
  { $id: "NewDistrust" },
);
export const distrustView = strictObject(
  {
    distrustId: Type.String(),
    meshId,
    trustDomain,
    fingerprint,
    reason: Type.String(),
    createdAt: time("When it was made."),
    createdBy: Type.String(),
    liftedAt: orNull(time("When the authority was trusted again.")),
  },
  { $id: "Distrust" },
);
export const distrustsParams = strictObject({ meshId });
export const distrustParams = strictObject({ meshId, distrustId: Type.String({ maxLength: 64 }) });

export const viewDistrust = (distrust: Distrust): Static<typeof distrustView> => ({
  ...distrust,
  createdAt: toRfc3339(distrust.createdAt),
  liftedAt: toRfc3339OrNull(distrust.liftedAt),
});
