import Type from "typebox";
import { meshId, saidText, strictObject, text } from "../../http/schemas.ts";
import { CONSENT_DECISIONS } from "../federations/consent.ts";
import { termsMeant } from "../federations/federation.schema.ts";

const reason = saidText("Why the glass is broken: the mesh's own people read it.");

export const breakGlassConsent = strictObject(
  {
    federationId: Type.String({ maxLength: 64 }),
    meshId,
    decision: Type.Enum([...CONSENT_DECISIONS], { description: "As that mesh's own admin would say it." }),
    termsDigest: termsMeant,
    reason,
  },
  { $id: "BreakGlassConsent" },
);
export const breakGlassToken = strictObject(
  {
    meshId,
    name: text("What it is for."),
    expiresInSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 86_400, description: "Default 1 hour, at most 24." }),
    ),
    reason,
  },
  { $id: "BreakGlassToken" },
);
