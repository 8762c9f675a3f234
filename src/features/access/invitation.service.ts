import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { type EpochMs, SECOND_MS, toRfc3339 } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { requireNotFreed, requireNotReserved } from "../trust-domains/trust-domain-record.ts";
import { notFound } from "./caller.ts";
import {
  countInvitationRefusal,
  findInvitation,
  insertInvitation,
  invitationExpiries,
  invitationsExpiring,
  listInvitations,
  markInvitationRevoked,
  markInvitationSpent,
} from "./invitation.store.ts";
import { type Invitation, invitationState, isUsable } from "./invitation.ts";
import { newSecret } from "./secret.ts";

export { findInvitation, invitationExpiries, listInvitations };

/**
 * An operator invites somebody to register one mesh; the secret is in the answer and nowhere else.
 * @throws {Refusal} `trust-domain-reserved`, `trust-domain-freed`
 */
export async function invite(
  work: Work,
  asked: { trustDomain: TrustDomain; meshId: MeshId | null; expiresInSeconds: number },
  brokerTrustDomain: TrustDomain,
): Promise<{ invitation: Invitation; secret: string }> {
  requireNotReserved(asked.trustDomain, brokerTrustDomain);
  requireNotFreed(await trustDomainNamed(work.tx, asked.trustDomain));
  const { id, text, hash } = newSecret(work.random, "inv");
  const invitation: Invitation = {
    invitationId: id,
    trustDomain: asked.trustDomain,
    meshId: asked.meshId,
    createdAt: work.now,
    createdBy: work.actor.id,
    expiresAt: work.now + asked.expiresInSeconds * SECOND_MS,
    spentAt: null,
    spentBy: null,
    refusals: 0,
    revokedAt: null,
  };
  await insertInvitation(work.tx, invitation, hash);
  work.record({
    type: "invitation.created",
    subjects: [`invitation/${id}`, `trust-domain/${asked.trustDomain}`],
    fields: { meshId: asked.meshId, expiresAt: toRfc3339(invitation.expiresAt) },
    after: invitation,
  });
  return { invitation, secret: text };
}

/** Spends it with the registration that it allowed. @throws {Refusal} `unauthenticated` when another was quicker */
export async function spendInvitation(work: Work, invitation: Invitation, meshId: MeshId): Promise<void> {
  if (!(await markInvitationSpent(work.tx, invitation.invitationId, meshId, work.now))) {
    throw new Refusal("unauthenticated", "the invitation has been used");
  }
  work.record({ type: "invitation.spent", subjects: [`invitation/${invitation.invitationId}`, `mesh/${meshId}`] });
}

/** Counts a refused registration; the tenth voids the invitation. */
export async function noteInvitationRefused(work: Work, invitationId: string): Promise<void> {
  await countInvitationRefusal(work.tx, invitationId);
  const invitation = await findInvitation(work.tx, invitationId);
  work.record({
    type: "invitation.refused",
    subjects: [`invitation/${invitationId}`],
    outcome: "refused",
    fields: { refusals: invitation?.refusals ?? 0 },
  });
}

/**
 * Ends it for good, also one that is spent: then not even the registration's answer is given again under its key.
 * @throws {Refusal} `not-found`, `already-ended`
 */
export async function revokeInvitation(work: Work, invitationId: string): Promise<void> {
  const invitation = await findInvitation(work.tx, invitationId);
  if (!invitation) throw notFound();
  const state = invitationState(invitation, work.now);
  if (!isUsable(invitation, work.now, true)) {
    const ended = invitation.revokedAt === null ? state : "revoked";
    throw new Refusal("already-ended", `the invitation is ${ended}`);
  }
  await markInvitationRevoked(work.tx, invitationId, work.now);
  work.record({ type: "invitation.revoked", subjects: [`invitation/${invitationId}`], before: invitation });
}

/** Says of each invitation that was open and ended by the clock, after `from` and by `to`, that it did. */
export async function recordExpiredInvitations(work: Work, from: EpochMs, to: EpochMs): Promise<void> {
  for (const invitation of await invitationsExpiring(work.tx, from, to)) {
    if (invitationState(invitation, work.now) !== "expired") continue;
    const { invitationId, trustDomain, meshId, expiresAt } = invitation;
    work.record({
      type: "invitation.expired",
      subjects: [`invitation/${invitationId}`, `trust-domain/${trustDomain}`],
      fields: { meshId, expiresAt: toRfc3339(expiresAt) },
    });
  }
}
