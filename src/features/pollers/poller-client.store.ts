import type { Executor } from "../../store/tables.ts";
import type { PollerClient } from "./poller-client.ts";

/** The kinds of clients that are known of these pollers, each poller's in the order in which they came. */
export async function clientsOf(db: Executor, pollerIds: readonly string[]): Promise<PollerClient[]> {
  const rows = await db
    .selectFrom("poller_client")
    .selectAll()
    .where("poller_id", "in", [...pollerIds])
    .orderBy("first_seen_at")
    .orderBy("fingerprint")
    .execute();
  return rows.map((row) => ({
    pollerId: row.poller_id,
    fingerprint: row.fingerprint,
    products: row.products,
    at: row.first_seen_at,
  }));
}

/** @returns whether it was not known */
export async function insertClient(tx: Executor, client: PollerClient): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("poller_client")
    .values({
      poller_id: client.pollerId,
      fingerprint: client.fingerprint,
      products: client.products,
      first_seen_at: client.at,
    })
    .onConflict((conflict) => conflict.columns(["poller_id", "fingerprint"]).doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}
