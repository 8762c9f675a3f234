import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";

/** An operator's approval that somebody registers one mesh of a trust domain (S19). Spent by the registration. */
export interface Invitation {
  readonly invitationId: string;
  readonly trustDomain: TrustDomain;
  /** The mesh ID it is for; null leaves the choice to whoever spends it. */
  readonly meshId: MeshId | null;
  readonly createdAt: EpochMs;
  readonly createdBy: string;
  readonly expiresAt: EpochMs;
  readonly spentAt: EpochMs | null;
  /** The mesh that spent it. */
  readonly spentBy: MeshId | null;
  readonly refusals: number;
  readonly revokedAt: EpochMs | null;
}

/** So many refused registrations void it: it is not for guessing. */
export const MAX_REFUSALS = 10;

export type InvitationState = "open" | "spent" | "void" | "revoked" | "expired";

export function invitationState(invitation: Invitation, now: EpochMs): InvitationState {
  if (invitation.spentAt !== null) return "spent";
  if (invitation.revokedAt !== null) return "revoked";
  if (invitation.refusals >= MAX_REFUSALS) return "void";
  return invitation.expiresAt <= now ? "expired" : "open";
}

/**
 * Whether its bearer may do anything with it. A spent one is good for one thing, the replay of the registration that it was
 * spent on, whose answer may never have arrived (L19), and for that no longer once it is revoked.
 */
export function isUsable(invitation: Invitation, now: EpochMs, replaying: boolean): boolean {
  const state = invitationState(invitation, now);
  return state === "open" || (replaying && state === "spent" && invitation.revokedAt === null);
}

/**
 * That the registration is the one the invitation is for.
 * @throws {Refusal} `invitation-mismatch`
 */
export function checkInvited(invitation: Invitation, asked: { meshId: MeshId; trustDomain: TrustDomain }): void {
  if (asked.trustDomain !== invitation.trustDomain) {
    throw new Refusal("invitation-mismatch", `the invitation is for the trust domain ${invitation.trustDomain}`, {
      pointer: "/trustDomain",
    });
  }
  if (invitation.meshId !== null && asked.meshId !== invitation.meshId) {
    throw new Refusal("invitation-mismatch", `the invitation is for the mesh ${invitation.meshId}`, {
      pointer: "/meshId",
    });
  }
}
