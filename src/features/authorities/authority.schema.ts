import Type, { type Static } from "typebox";
import { meshId, orNull, ownReason, strictObject, time, warnings } from "../../http/schemas.ts";
import { toRfc3339, toRfc3339OrNull } from "../../time.ts";
import { type Contribution, shownState } from "./contribution.ts";

export const foreignObject = (description: string) => Type.Object({}, { additionalProperties: true, description });
const state = Type.Optional(
  Type.Enum(["prepared", "active"], {
    description: "Default: active for the first of a trust domain, prepared for later ones.",
  }),
);

/** One of three: each with its own members, so that a wrong one is named. */
export const upload = Type.Object(
  {
    pem: Type.Optional(Type.String({ maxLength: 1_048_576, description: "CA certificates, several blocks allowed." })),
    jwk: Type.Optional(foreignObject("One JWT signing key (RFC 7517), public members only.")),
    bundle: Type.Optional(foreignObject("A whole SPIFFE bundle; its sequence and hint are noted, not used.")),
    state,
    claim: Type.Optional(
      Type.Boolean({
        description:
          "Also keys that another trust domain holds unproved: they are `claimed` and not published until proved.",
      }),
    ),
  },
  {
    $id: "AuthorityUpload",
    additionalProperties: false,
    description: "Exactly one of `pem`, `jwk` and `bundle`.",
    oneOf: [{ required: ["pem"] }, { required: ["jwk"] }, { required: ["bundle"] }],
  },
);

export const authorityView = strictObject(
  {
    authorityId: Type.String(),
    trustDomain: Type.String(),
    type: Type.Enum(["x509", "jwt"]),
    state: Type.Enum(["claimed", "prepared", "active", "retiring", "retired", "revoked"]),
    proved: Type.Boolean({ description: "Whether this mesh has proved that it holds the key." }),
    provedAt: orNull(time("When it first did.")),
    fingerprint: Type.String({
      description: "SHA-256 (hex) of the certificate, or the RFC 7638 thumbprint of the key.",
    }),
    keyFingerprint: Type.String({ description: "SHA-256 (hex) of the SubjectPublicKeyInfo." }),
    keyId: orNull(Type.String({ description: "`kid` of a JWT signing key." })),
    keyType: Type.String({ description: "RSA, P-256, P-384, P-521 or Ed25519." }),
    subject: orNull(Type.String()),
    notBefore: orNull(time("Of an X.509 CA.")),
    notAfter: orNull(time("Of an X.509 CA; it leaves the bundle 24 hours later.")),
    createdAt: time("When this mesh registered it."),
    changedAt: time("When its state last changed."),
    reason: orNull(Type.String()),
    links: strictObject({ events: Type.String() }),
  },
  { $id: "Authority" },
);
export const registeredAuthorities = strictObject(
  {
    authorities: Type.Array(authorityView),
    warnings,
  },
  { $id: "RegisteredAuthorities" },
);

export const transition = strictObject(
  {
    to: Type.Enum(["prepared", "active", "retiring", "retired", "revoked"]),
    reason: ownReason,
    force: Type.Optional(
      Type.Boolean({
        description: "Also when it leaves the bundle empty: every consumer then stops trusting the trust domain.",
      }),
    ),
  },
  { $id: "Transition" },
);

export const authoritiesParams = strictObject({ meshId });
export const authorityParams = strictObject({ meshId, authorityId: Type.String({ maxLength: 64 }) });

export function viewAuthority(contribution: Contribution): Static<typeof authorityView> {
  const { authorityId, trustDomain, authority, revokedAt, revokedReason } = contribution.known;
  const x509 = authority.type === "x509" ? authority : undefined;
  return {
    authorityId,
    trustDomain,
    type: authority.type,
    state: shownState(contribution),
    proved: contribution.provedAt !== null,
    provedAt: toRfc3339OrNull(contribution.provedAt),
    fingerprint: authority.fingerprint,
    keyFingerprint: authority.keyFingerprint,
    keyId: authority.type === "jwt" ? authority.keyId : null,
    keyType: authority.jwk.kty === "RSA" ? "RSA" : authority.jwk.crv,
    subject: x509?.subject ?? null,
    notBefore: x509 ? toRfc3339(x509.notBefore) : null,
    notAfter: x509 ? toRfc3339(x509.notAfter) : null,
    createdAt: toRfc3339(contribution.createdAt),
    changedAt: toRfc3339(revokedAt ?? contribution.changedAt),
    reason: revokedAt === null ? contribution.reason : revokedReason,
    links: { events: `/v1/audit-events?authorityId=${authorityId}` },
  };
}
