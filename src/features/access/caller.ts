import { Refusal } from "../../errors.ts";
import { isTrustDomain, type TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Actor } from "../../store/event.ts";
import { isMeshId, type MeshId } from "../meshes/mesh-id.ts";
import type { Invitation } from "./invitation.ts";
import { type Role, reaches, type Scope, scopeOf } from "./role.ts";

/** Whoever made an authenticated request. */
export type Caller = TokenCaller | InvitationCaller;

export interface TokenCaller extends Actor {
  readonly kind: "token";
  readonly role: Role;
  readonly meshes: readonly MeshId[];
  readonly scope: Scope;
}

export interface InvitationCaller extends Actor {
  readonly kind: "invitation";
  readonly role: "invitation";
  readonly invitation: Invitation;
}

/** Where a request came from: what an actor carries into the audit events. */
export interface Origin {
  readonly source: string;
  readonly requestId: string;
}

export const tokenCaller = (tokenId: string, role: Role, meshes: readonly MeshId[], origin: Origin): TokenCaller => ({
  kind: "token",
  id: tokenId,
  role,
  meshes,
  scope: scopeOf(role, meshes),
  ...(role === "mesh-admin" ? { adminOf: meshes } : {}),
  ...origin,
});

export const invitationCaller = (invitation: Invitation, origin: Origin): InvitationCaller => ({
  kind: "invitation",
  id: invitation.invitationId,
  role: "invitation",
  invitation,
  ...origin,
});

/** The one answer to what is absent, foreign or malformed (S16). */
export const notFound = (pointer?: string): Refusal =>
  new Refusal(
    "not-found",
    "there is nothing here that this credential may see",
    pointer === undefined ? {} : { pointer },
  );

/**
 * The mesh that a request refers to: what has not even the form of a mesh ID is absent like any other (S16).
 * @throws {Refusal} `not-found`
 */
export function referredMesh(text: string, pointer?: string): MeshId {
  if (!isMeshId(text)) throw notFound(pointer);
  return text;
}

/** The trust domain that a request refers to, likewise. @throws {Refusal} `not-found` */
export function referredTrustDomain(text: string, pointer?: string): TrustDomain {
  if (!isTrustDomain(text)) throw notFound(pointer);
  return text;
}

/**
 * That the caller administers the mesh for which it speaks.
 * @throws {Refusal} `not-found` as for an absent mesh (S16)
 */
export function requireReach(caller: TokenCaller, meshId: MeshId, pointer?: string): void {
  if (!reaches(caller.scope, meshId)) throw notFound(pointer);
}
