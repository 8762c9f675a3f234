import { Refusal } from "../../errors.ts";
import type { FreeText } from "../../text.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Role } from "./role.ts";

/** A bearer credential of the admin API; its secret is shown once and stored as a hash (S24). */
export interface Token {
  readonly tokenId: string;
  readonly name: FreeText;
  readonly role: Role;
  /** Of a mesh-admin or mesh-viewer: the meshes it speaks for. */
  readonly meshes: readonly MeshId[];
  readonly createdAt: EpochMs;
  /** The token or invitation that made it; `system` for the first operator's. */
  readonly createdBy: string;
  readonly expiresAt: EpochMs;
  /** How long it was to live when it was made, whatever ended it since. */
  readonly lifeSeconds: number;
  readonly revokedAt: EpochMs | null;
  readonly lastUsedAt: EpochMs | null;
}

/** How long a token still works once it has a successor, unless something shorter is asked for (S26). */
export const ROTATION_OVERLAP_SECONDS = 86_400;

/** Usable at `now`: expiry is the clock's, never a stored state. */
export const isValid = (token: Pick<Token, "expiresAt" | "revokedAt">, now: EpochMs): boolean =>
  token.revokedAt === null && token.expiresAt > now;

const isMeshRole = (role: Role): boolean => role === "mesh-admin" || role === "mesh-viewer";

/** Who asks for a token, as far as S23 is concerned; that it reaches the meshes named is its scope's matter (S15). */
export interface TokenMaker {
  readonly role: Role;
}

/**
 * That the maker may make such a token (S23): no wider rights than its own; an operator a mesh's first mesh-admin
 * token only.
 * @param adminTokenValid whether one of the named meshes has a valid mesh-admin token
 * @throws {Refusal} `invalid-request`, `wider-rights`, `admin-token-exists`
 */
export function checkTokenRights(
  maker: TokenMaker,
  asked: { readonly role: Role; readonly meshes: readonly MeshId[] },
  adminTokenValid: boolean,
): void {
  if (isMeshRole(asked.role) !== asked.meshes.length > 0) {
    const message = isMeshRole(asked.role)
      ? `a token of the role ${asked.role} names its meshes`
      : `a token of the role ${asked.role} names no meshes`;
    throw new Refusal("invalid-request", message, { pointer: "/meshes" });
  }
  if (maker.role === "operator") {
    if (asked.role === "mesh-admin" && adminTokenValid) {
      throw new Refusal("admin-token-exists", "an operator makes a mesh's first mesh-admin token only (S23)", {
        pointer: "/role",
      });
    }
    return;
  }
  if (maker.role !== "mesh-admin" || !isMeshRole(asked.role))
    throw new Refusal("wider-rights", `the role ${maker.role} cannot make a token of the role ${asked.role}`, {
      pointer: "/role",
    });
}
