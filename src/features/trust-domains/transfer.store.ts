import type { Selectable } from "kysely";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { FreeText } from "../../text.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Transfer } from "./transfer.ts";

const toTransfer = (row: Selectable<Tables["trust_domain_transfer"]>): Transfer => ({
  transferId: row.transfer_id,
  trustDomain: row.trust_domain as TrustDomain,
  from: row.from_mesh as MeshId,
  to: row.to_mesh as MeshId,
  state: row.state as Transfer["state"],
  offeredAt: row.offered_at,
  offeredReason: row.offered_reason as FreeText | null,
  decidedAt: row.decided_at,
  decidedReason: row.decided_reason as FreeText | null,
});

/** Inserts the offer or writes what was decided of it. */
export async function saveTransfer(tx: Executor, transfer: Transfer): Promise<void> {
  const row = { state: transfer.state, decided_at: transfer.decidedAt, decided_reason: transfer.decidedReason };
  await tx
    .insertInto("trust_domain_transfer")
    .values({
      ...row,
      transfer_id: transfer.transferId,
      trust_domain: transfer.trustDomain,
      from_mesh: transfer.from,
      to_mesh: transfer.to,
      offered_at: transfer.offeredAt,
      offered_reason: transfer.offeredReason,
    })
    .onConflict((conflict) => conflict.column("transfer_id").doUpdateSet(row))
    .execute();
}

export async function findTransfer(
  db: Executor,
  trustDomain: TrustDomain,
  transferId: string,
): Promise<Transfer | undefined> {
  const row = await db
    .selectFrom("trust_domain_transfer")
    .selectAll()
    .where("trust_domain", "=", trustDomain)
    .where("transfer_id", "=", transferId)
    .executeTakeFirst();
  return row && toTransfer(row);
}

/** Offers that nobody has decided, lapsed ones among them. */
export async function undecidedTransfers(db: Executor, trustDomain: TrustDomain): Promise<Transfer[]> {
  const rows = await db
    .selectFrom("trust_domain_transfer")
    .selectAll()
    .where("trust_domain", "=", trustDomain)
    .where("state", "=", "offered")
    .execute();
  return rows.map(toTransfer);
}

/** In the order of IDs, after `after`. */
export async function listTransfers(
  db: Executor,
  trustDomain: TrustDomain,
  after: string,
  limit: number,
): Promise<Transfer[]> {
  const rows = await db
    .selectFrom("trust_domain_transfer")
    .selectAll()
    .where("trust_domain", "=", trustDomain)
    .where("transfer_id", ">", after)
    .orderBy("transfer_id")
    .limit(limit)
    .execute();
  return rows.map(toTransfer);
}

/** What an owner offered, and what became of it, goes with the owner (S21). The log keeps it. */
export async function deleteTransfers(tx: Executor, trustDomain: TrustDomain): Promise<void> {
  await tx.deleteFrom("trust_domain_transfer").where("trust_domain", "=", trustDomain).execute();
}
