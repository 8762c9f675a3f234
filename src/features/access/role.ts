import type { MeshId } from "../meshes/mesh-id.ts";

export const ROLES = ["operator", "mesh-admin", "mesh-viewer", "auditor"] as const;
/** Operator: registers, invites, reads. Mesh-admin: all of named meshes. Mesh-viewer: reads them. Auditor: reads all. */
export type Role = (typeof ROLES)[number];

/** What a route asks for. Each is declared beside its route; a route without one does not start (S18). */
export type Permission =
  | "invitation:manage"
  | "invitation:read"
  | "mesh:register"
  | "mesh:read"
  | "mesh:change"
  | "mesh-document:read"
  | "mesh-document:change"
  | "mesh:delete"
  | "mesh:suspend"
  | "directory:read"
  | "authority:read"
  | "authority:change"
  | "shared-key:manage"
  | "shared-key:read"
  | "trust-domain:read"
  | "trust-domain:change"
  | "federation:read"
  | "federation:propose"
  | "federation:consent"
  | "poller:read"
  | "poller:change"
  | "delivery:read"
  | "distrust:read"
  | "distrust:change"
  | "token:read"
  | "token:create"
  | "token:revoke"
  | "break-glass:use"
  | "audit:read"
  | "broker:read"
  | "broker:roll-over"
  | "metrics:read";

const READS: readonly Permission[] = [
  "mesh:read",
  "mesh-document:read",
  "directory:read",
  "authority:read",
  "trust-domain:read",
  "federation:read",
  "poller:read",
  "delivery:read",
  "distrust:read",
  "token:read",
  "audit:read",
];

const PERMISSIONS: Record<Role | "invitation", readonly Permission[]> = {
  operator: [
    ...READS,
    "invitation:manage",
    "invitation:read",
    "mesh:register",
    "mesh:delete",
    "mesh:suspend",
    "shared-key:manage",
    "shared-key:read",
    "federation:propose",
    "token:create",
    "token:revoke",
    "break-glass:use",
    "broker:read",
    "broker:roll-over",
    "metrics:read",
  ],
  "mesh-admin": [
    ...READS,
    "mesh:change",
    "mesh-document:change",
    "mesh:delete",
    "authority:change",
    "trust-domain:change",
    "federation:propose",
    "federation:consent",
    "poller:change",
    "distrust:change",
    "token:create",
    "token:revoke",
  ],
  "mesh-viewer": READS,
  auditor: [...READS, "invitation:read", "shared-key:read", "broker:read", "metrics:read"],
  invitation: ["mesh:register"],
};

/** What a credential is allowed to ask for; whose resources it reaches is its scope's matter. */
export const permits = (role: Role | "invitation", permission: Permission): boolean =>
  PERMISSIONS[role].includes(permission);

/** Whose resources a credential reaches (S15): all, or those of its meshes. */
export type Scope = { readonly all: true } | { readonly all: false; readonly meshes: readonly MeshId[] };

/** Operators and auditors see every mesh; the others the meshes that their token names. */
export const scopeOf = (role: Role, meshes: readonly MeshId[]): Scope =>
  role === "operator" || role === "auditor" ? { all: true } : { all: false, meshes };

export const reaches = (scope: Scope, meshId: string): boolean =>
  scope.all || (scope.meshes as readonly string[]).includes(meshId);
