import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { permits, ROLES, type Role } from "../../../src/features/access/role.ts";
import { checkTokenRights, isValid } from "../../../src/features/access/token.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";
import { refusalOf } from "../../support/refusal-of.ts";

const shop = [parseMeshId("shop")];
const meshesOf = (role: Role) => (role.startsWith("mesh-") ? shop : []);
/** The code of the refusal, or `made`. */
function outcomeOf(maker: Role, role: Role, adminTokenValid = false): string {
  const check = () => checkTokenRights({ role: maker }, { role, meshes: meshesOf(role) }, adminTokenValid);
  try {
    check();
    return "made";
  } catch {
    return refusalOf(check).code;
  }
}

describe("who may make which token (S23)", () => {
  test.each<[Role, Role, string]>([
    ["operator", "operator", "made"],
    ["operator", "mesh-admin", "made"],
    ["operator", "mesh-viewer", "made"],
    ["operator", "auditor", "made"],
    ["mesh-admin", "operator", "wider-rights"],
    ["mesh-admin", "mesh-admin", "made"],
    ["mesh-admin", "mesh-viewer", "made"],
    ["mesh-admin", "auditor", "wider-rights"],
    ["mesh-viewer", "operator", "wider-rights"],
    ["mesh-viewer", "mesh-admin", "wider-rights"],
    ["mesh-viewer", "mesh-viewer", "wider-rights"],
    ["mesh-viewer", "auditor", "wider-rights"],
    ["auditor", "operator", "wider-rights"],
    ["auditor", "mesh-admin", "wider-rights"],
    ["auditor", "mesh-viewer", "wider-rights"],
    ["auditor", "auditor", "wider-rights"],
  ])("%s asks for %s while no admin token is valid: %s", (maker, role, outcome) => {
    expect(outcomeOf(maker, role)).toBe(outcome);
  });

  test("an operator makes a mesh's first mesh-admin token only, or it could consent by it (decision 9)", () => {
    const asked = { role: "mesh-admin", meshes: shop } as const;
    const refusal = refusalOf(() => checkTokenRights({ role: "operator" }, asked, true));
    expect(refusal).toMatchObject({ code: "admin-token-exists", pointer: "/role" });
  });

  test("a mesh's own admin makes further ones, and an operator's other tokens are its own matter", () => {
    expect(outcomeOf("mesh-admin", "mesh-admin", true)).toBe("made");
    expect(outcomeOf("operator", "mesh-viewer", true)).toBe("made");
  });

  test("nobody makes a token of a right that it lacks, but for the operator that hands a mesh to its first admin", () => {
    const role = fc.constantFrom(...ROLES);
    fc.assert(
      fc.property(role, role, fc.boolean(), (maker, asked, adminTokenValid) => {
        const handsOver = maker === "operator" && asked === "mesh-admin" && !adminTokenValid;
        if (outcomeOf(maker, asked, adminTokenValid) !== "made" || handsOver) return;
        for (const right of ["federation:consent", "mesh:register", "authority:change", "invitation:manage"] as const) {
          expect(permits(maker, right) || !permits(asked, right), right).toBe(true);
        }
      }),
    );
  });

  test("a mesh's token names its meshes, any other none", () => {
    for (const role of ROLES) {
      const wrong = role.startsWith("mesh-") ? [] : shop;
      const refusal = refusalOf(() => checkTokenRights({ role: "operator" }, { role, meshes: wrong }, false));
      expect(refusal).toMatchObject({ code: "invalid-request", pointer: "/meshes" });
    }
  });
});

test("a token is valid until its end by the clock or its revocation, whichever is first", () => {
  const at = fc.integer({ min: 0, max: 5 });
  fc.assert(
    fc.property(at, fc.option(at), at, (expiresAt, revokedAt, now) => {
      expect(isValid({ expiresAt, revokedAt }, now)).toBe(now < expiresAt && revokedAt === null);
    }),
  );
});
