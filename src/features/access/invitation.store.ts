import { type Selectable, sql } from "kysely";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Invitation } from "./invitation.ts";

const toInvitation = (row: Selectable<Tables["invitation"]>): Invitation => ({
  invitationId: row.invitation_id,
  trustDomain: row.trust_domain as TrustDomain,
  meshId: row.mesh_id as MeshId | null,
  createdAt: row.created_at,
  createdBy: row.created_by,
  expiresAt: row.expires_at,
  spentAt: row.spent_at,
  spentBy: row.spent_by as MeshId | null,
  refusals: row.refusals,
  revokedAt: row.revoked_at,
});

export async function insertInvitation(tx: Executor, invitation: Invitation, secretHash: string): Promise<void> {
  await tx
    .insertInto("invitation")
    .values({
      invitation_id: invitation.invitationId,
      secret_hash: secretHash,
      trust_domain: invitation.trustDomain,
      mesh_id: invitation.meshId,
      created_at: invitation.createdAt,
      created_by: invitation.createdBy,
      expires_at: invitation.expiresAt,
      spent_at: null,
      spent_by: null,
      refusals: 0,
      revoked_at: null,
    })
    .execute();
}

/** Spends it if it is unspent, and says whether it was: of two that race, one wins. */
export async function markInvitationSpent(
  tx: Executor,
  invitationId: string,
  meshId: MeshId,
  at: EpochMs,
): Promise<boolean> {
  const spent = await tx
    .updateTable("invitation")
    .set({ spent_at: at, spent_by: meshId })
    .where("invitation_id", "=", invitationId)
    .where("spent_at", "is", null)
    .returning("invitation_id")
    .executeTakeFirst();
  return spent !== undefined;
}

export async function markInvitationRevoked(tx: Executor, invitationId: string, at: EpochMs): Promise<void> {
  await tx.updateTable("invitation").set({ revoked_at: at }).where("invitation_id", "=", invitationId).execute();
}

export async function countInvitationRefusal(tx: Executor, invitationId: string): Promise<void> {
  await tx
    .updateTable("invitation")
    .set({ refusals: sql<number>`refusals + 1` })
    .where("invitation_id", "=", invitationId)
    .execute();
}

/** The invitation with its secret's hash, for authentication alone. */
export async function findInvitationSecret(
  db: Executor,
  invitationId: string,
): Promise<{ invitation: Invitation; secretHash: string } | undefined> {
  const row = await db
    .selectFrom("invitation")
    .selectAll()
    .where("invitation_id", "=", invitationId)
    .executeTakeFirst();
  return row && { invitation: toInvitation(row), secretHash: row.secret_hash };
}

export async function findInvitation(db: Executor, invitationId: string): Promise<Invitation | undefined> {
  return (await findInvitationSecret(db, invitationId))?.invitation;
}

/** In the order of IDs, after `after`. */
export async function listInvitations(db: Executor, after: string, limit: number): Promise<Invitation[]> {
  const rows = await db
    .selectFrom("invitation")
    .selectAll()
    .where("invitation_id", ">", after)
    .orderBy("invitation_id")
    .limit(limit)
    .execute();
  return rows.map(toInvitation);
}

/** Instants after `after` at which an invitation that is neither revoked nor spent expires, ascending. */
export async function invitationExpiries(db: Executor, after: EpochMs, limit: number): Promise<EpochMs[]> {
  const rows = await db
    .selectFrom("invitation")
    .select("expires_at")
    .where("revoked_at", "is", null)
    .where("spent_at", "is", null)
    .where("expires_at", ">", after)
    .orderBy("expires_at")
    .limit(limit)
    .execute();
  return rows.map((row) => Number(row.expires_at));
}

/** Unrevoked invitations, spent or not, that expire after `from`, up to `to`. */
export async function invitationsExpiring(db: Executor, from: EpochMs, to: EpochMs): Promise<Invitation[]> {
  const rows = await db
    .selectFrom("invitation")
    .selectAll()
    .where("revoked_at", "is", null)
    .where("expires_at", ">", from)
    .where("expires_at", "<=", to)
    .orderBy("expires_at")
    .execute();
  return rows.map(toInvitation);
}
