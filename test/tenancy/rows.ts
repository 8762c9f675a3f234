import type { Target } from "./targets.ts";

export type Role = "operator" | "mesh-admin" | "mesh-viewer" | "auditor" | "invitation";

/** Whose thing a request may be about; who reaches every mesh reaches whatever is there (S15, S21). */
export type Reach =
  /** It is about nothing in particular. */
  | "no target"
  /** It is the broker's, and no mesh's. */
  | "broker"
  /** The mesh's own people. */
  | "mesh"
  /** They, and those of meshes that are served its trust domain's bundle. */
  | "served"
  /** Both sides of the mesh's federation. */
  | "sides";

export interface Row {
  /** Roles that are let through: the others are answered 403. */
  readonly by: readonly Role[];
  readonly reach: Reach;
  /** What who is let through is answered; a change is asked as a dry run, so 200 unless a rule of the noun refuses. */
  readonly done: number;
  readonly body?: (of: Target) => Record<string, unknown>;
}

const READERS: readonly Role[] = ["operator", "mesh-admin", "mesh-viewer", "auditor"];
const ADMIN: readonly Role[] = ["mesh-admin"];
const OPERATOR: readonly Role[] = ["operator"];
const OVERSEERS: readonly Role[] = ["operator", "auditor"];
const ADMIN_OR_OPERATOR: readonly Role[] = ["operator", "mesh-admin"];
const REGISTRARS: readonly Role[] = ["operator", "invitation"];

const row = (by: readonly Role[], reach: Reach, body?: Row["body"], done = 200): Row => ({
  by,
  reach,
  done,
  ...(body ? { body } : {}),
});

const reason = "to see who may";

/** Whoever asks is answered, with a credential or without. */
export const OPEN_TO_ALL = ["GET /livez", "GET /readyz"];

/** Who may do what to whose, a second time: what the code declares must agree with it. One line an operation. */
export const ROWS: Readonly<Record<string, Row>> = {
  "POST /v1/invitations": row(OPERATOR, "no target", () => ({ trustDomain: "new.example" })),
  "GET /v1/invitations": row(OVERSEERS, "no target"),
  "GET /v1/invitations/{invitationId}": row(OVERSEERS, "broker"),
  "DELETE /v1/invitations/{invitationId}": row(OPERATOR, "broker"),
  "POST /v1/meshes": row(REGISTRARS, "no target", () => ({ meshId: "new", trustDomain: "invited.example" })),
  "GET /v1/meshes": row(READERS, "no target"),
  "GET /v1/directory": row(READERS, "no target"),
  "GET /v1/meshes/{meshId}": row(READERS, "mesh"),
  "PATCH /v1/meshes/{meshId}": row(ADMIN, "mesh", () => ({ displayName: "Other" })),
  "DELETE /v1/meshes/{meshId}": row(ADMIN_OR_OPERATOR, "mesh", undefined, 409),
  "GET /v1/meshes/{meshId}/document": row(READERS, "mesh"),
  "PUT /v1/meshes/{meshId}/document": row(ADMIN, "mesh", () => ({ mesh: {} })),
  "POST /v1/meshes/{meshId}/suspension": row(OPERATOR, "mesh", () => ({ reason })),
  "GET /v1/meshes/{meshId}/suspension": row(READERS, "mesh", undefined, 404),
  "DELETE /v1/meshes/{meshId}/suspension": row(OPERATOR, "mesh", undefined, 404),
  "GET /v1/trust-domains": row(READERS, "no target"),
  "GET /v1/trust-domains/{trustDomain}": row(READERS, "mesh"),
  "PATCH /v1/trust-domains/{trustDomain}": row(ADMIN, "mesh", () => ({ refreshHintSeconds: 600 })),
  "GET /v1/trust-domains/{trustDomain}/memberships": row(READERS, "mesh"),
  "POST /v1/trust-domains/{trustDomain}/memberships": row(
    ADMIN,
    "mesh",
    ({ meshId }) => ({ meshId, decision: "deny" }),
    409,
  ),
  "POST /v1/trust-domains/{trustDomain}/transfers": row(ADMIN, "mesh", ({ member }) => ({ meshId: member }), 409),
  "GET /v1/trust-domains/{trustDomain}/transfers": row(READERS, "mesh"),
  "GET /v1/trust-domains/{trustDomain}/transfers/{transferId}": row(READERS, "mesh"),
  "POST /v1/trust-domains/{trustDomain}/transfers/{transferId}/decisions": row(ADMIN, "mesh", ({ meshId }) => ({
    meshId,
    decision: "withdraw",
  })),
  "GET /v1/trust-domains/{trustDomain}/revisions": row(READERS, "served"),
  "GET /v1/trust-domains/{trustDomain}/revisions/{sequence}": row(READERS, "served"),
  "POST /v1/meshes/{meshId}/authorities": row(ADMIN, "mesh", () => ({ pem: "" }), 400),
  "GET /v1/meshes/{meshId}/authorities": row(READERS, "mesh"),
  "GET /v1/meshes/{meshId}/authorities/{authorityId}": row(READERS, "mesh"),
  "POST /v1/meshes/{meshId}/authorities/{authorityId}/transitions": row(ADMIN, "mesh", () => ({ to: "retiring" })),
  "POST /v1/meshes/{meshId}/authorities/{authorityId}/proof-challenges": row(ADMIN, "mesh"),
  "POST /v1/meshes/{meshId}/authorities/{authorityId}/proofs": row(ADMIN, "mesh", () => ({ signature: "AAAA" }), 409),
  "POST /v1/shared-key-allowances": row(OPERATOR, "no target", () => ({
    trustDomains: ["a.example", "b.example"],
    reason,
  })),
  "GET /v1/shared-key-allowances": row(OVERSEERS, "no target"),
  "GET /v1/shared-key-allowances/{allowanceId}": row(OVERSEERS, "broker"),
  "DELETE /v1/shared-key-allowances/{allowanceId}": row(OPERATOR, "broker"),
  "POST /v1/federations": row(ADMIN_OR_OPERATOR, "mesh", ({ meshId }) => ({ proposer: meshId, peer: "quay" })),
  "GET /v1/federations": row(READERS, "no target"),
  "GET /v1/federations/{federationId}": row(READERS, "sides"),
  "POST /v1/federations/{federationId}/consents": row(ADMIN, "mesh", ({ meshId }) => ({
    meshId,
    decision: "withdraw",
  })),
  "POST /v1/federations/{federationId}/terms": row(ADMIN, "mesh", ({ meshId }) => ({
    meshId,
    expiresAt: "2040-01-01T00:00:00Z",
  })),
  "POST /v1/meshes/{meshId}/federation-codes": row(ADMIN, "mesh", () => ({})),
  "GET /v1/meshes/{meshId}/federation-codes": row(READERS, "mesh"),
  "GET /v1/meshes/{meshId}/federation-codes/{codeId}": row(READERS, "mesh"),
  "DELETE /v1/meshes/{meshId}/federation-codes/{codeId}": row(ADMIN, "mesh"),
  "POST /v1/meshes/{meshId}/pollers": row(ADMIN, "mesh", () => ({ name: "one more" })),
  "GET /v1/meshes/{meshId}/pollers": row(READERS, "mesh"),
  "GET /v1/meshes/{meshId}/pollers/{pollerId}": row(READERS, "mesh"),
  "PATCH /v1/meshes/{meshId}/pollers/{pollerId}": row(ADMIN, "mesh", () => ({ name: "renamed" })),
  "DELETE /v1/meshes/{meshId}/pollers/{pollerId}": row(ADMIN, "mesh"),
  "POST /v1/meshes/{meshId}/pollers/{pollerId}/rotations": row(ADMIN, "mesh", () => ({})),
  "GET /v1/meshes/{meshId}/deliveries": row(READERS, "mesh"),
  "GET /v1/trust-domains/{trustDomain}/deliveries": row(READERS, "mesh"),
  "POST /v1/meshes/{meshId}/distrusts": row(ADMIN, "mesh", ({ seen }) => ({ ...seen, reason, force: true })),
  "GET /v1/meshes/{meshId}/distrusts": row(READERS, "mesh"),
  "GET /v1/meshes/{meshId}/distrusts/{distrustId}": row(READERS, "mesh"),
  "DELETE /v1/meshes/{meshId}/distrusts/{distrustId}": row(ADMIN, "mesh"),
  "POST /v1/tokens": row(ADMIN_OR_OPERATOR, "mesh", ({ meshId }) => ({
    name: "one more",
    role: "mesh-viewer",
    meshes: [meshId],
  })),
  "GET /v1/tokens": row(READERS, "no target"),
  "GET /v1/tokens/{tokenId}": row(READERS, "mesh"),
  "DELETE /v1/tokens/{tokenId}": row(ADMIN_OR_OPERATOR, "mesh"),
  "POST /v1/tokens/{tokenId}/rotations": row(ADMIN_OR_OPERATOR, "mesh", () => ({})),
  "POST /v1/break-glass/consents": row(OPERATOR, "mesh", ({ meshId, values }) => ({
    federationId: values.federationId,
    meshId,
    decision: "withdraw",
    reason,
  })),
  "POST /v1/break-glass/tokens": row(OPERATOR, "mesh", ({ meshId }) => ({ meshId, name: "one more", reason })),
  "GET /v1/broker": row(OVERSEERS, "no target"),
  "POST /v1/broker/ca-rollovers": row(OPERATOR, "no target", () => ({ reason })),
  "GET /v1/audit-events": row(READERS, "no target"),
  "GET /v1/audit-events/{position}": row(READERS, "mesh"),
  "GET /metrics": row(OVERSEERS, "no target"),
};
