import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Permission, permits, ROLES, type Role, reaches, scopeOf } from "../../../src/features/access/role.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";

const reads: readonly Permission[] = [
  "mesh:read",
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
const changes: readonly Permission[] = [
  "invitation:manage",
  "mesh:register",
  "mesh:change",
  "mesh:delete",
  "authority:change",
  "shared-key:manage",
  "trust-domain:change",
  "federation:propose",
  "federation:consent",
  "poller:change",
  "distrust:change",
  "token:create",
  "token:revoke",
];
const bearers = [...ROLES, "invitation"] as const;
const may = (role: Role | "invitation", among: readonly Permission[]) =>
  among.filter((permission) => permits(role, permission));

describe("roles (S23)", () => {
  test("an operator gives no mesh's consent, adds no authority, makes no poller and changes no mesh (decision 9)", () => {
    for (const permission of [
      "federation:consent",
      "authority:change",
      "poller:change",
      "mesh:change",
      "trust-domain:change",
    ] as const) {
      expect(permits("operator", permission)).toBe(false);
    }
    expect(may("operator", changes)).toEqual([
      "invitation:manage",
      "mesh:register",
      "mesh:delete",
      "shared-key:manage",
      "federation:propose",
      "token:create",
      "token:revoke",
    ]);
  });

  test("auditors and viewers change nothing", () => {
    expect([may("auditor", changes), may("mesh-viewer", changes)]).toEqual([[], []]);
  });

  test("every token reads; metrics and shared keys are for operators and auditors", () => {
    for (const role of ROLES) expect(may(role, reads)).toEqual(reads);
    for (const permission of ["metrics:read", "shared-key:read"] as const)
      expect(ROLES.filter((role) => permits(role, permission))).toEqual(["operator", "auditor"]);
  });

  test("only an operator or an invitation registers a mesh (S19); an invitation does nothing else", () => {
    expect(bearers.filter((role) => permits(role, "mesh:register"))).toEqual(["operator", "invitation"]);
    expect(may("invitation", [...reads, ...changes, "metrics:read", "shared-key:read"])).toEqual(["mesh:register"]);
  });

  test("consent is the mesh's own admin's alone", () => {
    expect(bearers.filter((role) => permits(role, "federation:consent"))).toEqual(["mesh-admin"]);
  });
});

describe("a scope (S15)", () => {
  const meshId = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/).map((text) => parseMeshId(text));
  const meshes = fc.array(meshId, { maxLength: 5 });

  test("of a mesh's token reaches the meshes that it names and no other", () => {
    const role = fc.constantFrom("mesh-admin", "mesh-viewer");
    fc.assert(
      fc.property(role, meshes, meshId, (of, named, asked) => {
        expect(reaches(scopeOf(of, named), asked)).toBe(named.includes(asked));
      }),
    );
  });

  test("of operators and auditors reaches all", () => {
    fc.assert(
      fc.property(fc.constantFrom("operator", "auditor"), meshId, (of, asked) => {
        expect(reaches(scopeOf(of, []), asked)).toBe(true);
      }),
    );
  });
});
