import Type, { type Static } from "typebox";
import { orNull, strictObject, text, time, trustDomain } from "../../http/schemas.ts";
import { toRfc3339 } from "../../time.ts";
import type { SharedKeyAllowance } from "./shared-key.ts";

const keyFingerprint = Type.String({
  pattern: "^[0-9a-f]{64}$",
  description: "SHA-256 (hex) of the SubjectPublicKeyInfo.",
});

export const newAllowance = strictObject(
  {
    trustDomains: Type.Array(trustDomain, { minItems: 2, maxItems: 2, uniqueItems: true }),
    keyFingerprint: Type.Optional(keyFingerprint),
    reason: text("Why both may hold the key; required."),
  },
  { $id: "NewSharedKeyAllowance" },
);
export const allowanceView = strictObject(
  {
    allowanceId: Type.String(),
    trustDomains: Type.Array(trustDomain),
    keyFingerprint: orNull(keyFingerprint),
    reason: Type.String(),
    createdAt: time("When it was allowed."),
    createdBy: Type.String(),
  },
  { $id: "SharedKeyAllowance" },
);
export const allowanceParams = strictObject({ allowanceId: Type.String({ maxLength: 64 }) });

export const viewAllowance = (allowance: SharedKeyAllowance): Static<typeof allowanceView> => ({
  allowanceId: allowance.allowanceId,
  trustDomains: [...allowance.trustDomains],
  keyFingerprint: allowance.keyFingerprint,
  reason: allowance.reason,
  createdAt: toRfc3339(allowance.createdAt),
  createdBy: allowance.createdBy,
});
