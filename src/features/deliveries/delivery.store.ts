import type { Selectable } from "kysely";
import type { ProjectionName } from "../../bundle/projections.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Delivery, Held } from "./delivery.ts";

const toDelivery = (row: Selectable<Tables["delivery"]>): Delivery => ({
  pollerId: row.poller_id,
  meshId: row.mesh_id as MeshId,
  trustDomain: row.trust_domain as TrustDomain,
  sequence: row.sequence,
  revision: row.revision,
  projection: row.projection as ProjectionName,
  at: row.at,
});

/** Writes a batch: the latest per poller and trust domain, and when what it holds was first fetched. */
export async function saveDeliveries(tx: Executor, deliveries: readonly Delivery[]): Promise<void> {
  for (const delivery of deliveries)
    if ((await saveLatest(tx, delivery)) && delivery.revision !== null)
      await saveFirst(tx, { ...delivery, revision: delivery.revision });
}

/** @returns whether it is the latest: a batch that was offered again may be older than what another server wrote since */
async function saveLatest(tx: Executor, delivery: Delivery): Promise<boolean> {
  const row = {
    mesh_id: delivery.meshId,
    sequence: delivery.sequence,
    revision: delivery.revision,
    projection: delivery.projection,
    at: delivery.at,
  };
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("delivery")
    .values({ ...row, poller_id: delivery.pollerId, trust_domain: delivery.trustDomain })
    // Sequences never fall (R16).
    .onConflict((conflict) =>
      conflict
        .columns(["poller_id", "trust_domain"])
        .doUpdateSet(row)
        .where("delivery.sequence", "<=", delivery.sequence),
    )
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** Of a revision that the poller did not hold yet; what it held before is nobody's question any more. */
async function saveFirst(
  tx: Executor,
  { pollerId, trustDomain, revision, at }: Delivery & { readonly revision: number },
): Promise<void> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("first_delivery")
    .values({ poller_id: pollerId, trust_domain: trustDomain, revision, at })
    .onConflict((conflict) => conflict.columns(["poller_id", "trust_domain", "revision"]).doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 1n) return;
  await tx
    .deleteFrom("first_delivery")
    .where("poller_id", "=", pollerId)
    .where("trust_domain", "=", trustDomain)
    .where("revision", "!=", revision)
    .execute();
}

/** Where a list of deliveries goes on: after this poller of this trust domain or mesh. */
export interface After<Group extends string> {
  readonly group: Group | "";
  readonly pollerId: string;
}

/** The latest deliveries to one mesh's pollers, in the order of trust domains. */
export async function deliveriesTo(
  db: Executor,
  meshId: MeshId,
  after: After<TrustDomain>,
  limit: number,
): Promise<Delivery[]> {
  const rows = await db
    .selectFrom("delivery")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .where(({ eb, refTuple, tuple }) =>
      eb(refTuple("trust_domain", "poller_id"), ">", tuple(after.group, after.pollerId)),
    )
    .orderBy("trust_domain")
    .orderBy("poller_id")
    .limit(limit)
    .execute();
  return rows.map(toDelivery);
}

/** What one mesh's pollers hold of a trust domain, each since its first fetch of that revision. */
export async function heldSince(db: Executor, meshId: MeshId, trustDomain: TrustDomain): Promise<Held[]> {
  const rows = await db
    .selectFrom("delivery")
    .leftJoin("first_delivery", (join) =>
      join
        .onRef("first_delivery.poller_id", "=", "delivery.poller_id")
        .onRef("first_delivery.trust_domain", "=", "delivery.trust_domain")
        .onRef("first_delivery.revision", "=", "delivery.revision"),
    )
    .select(["delivery.poller_id", "delivery.revision", "delivery.at", "first_delivery.at as first_at"])
    .where("delivery.mesh_id", "=", meshId)
    .where("delivery.trust_domain", "=", trustDomain)
    .execute();
  return rows.map((row) => ({ pollerId: row.poller_id, revision: row.revision, at: row.first_at ?? row.at }));
}

/** The latest deliveries of one trust domain's bundle to the consumers that are `known`, in the order of mesh IDs. */
export async function deliveriesOf(
  db: Executor,
  trustDomain: TrustDomain,
  known: "all" | ReadonlySet<string>,
  after: After<MeshId>,
  limit: number,
): Promise<Delivery[]> {
  const rows = await db
    .selectFrom("delivery")
    .selectAll()
    .where("trust_domain", "=", trustDomain)
    .$if(known !== "all", (query) => query.where("mesh_id", "in", [...known]))
    .where(({ eb, refTuple, tuple }) => eb(refTuple("mesh_id", "poller_id"), ">", tuple(after.group, after.pollerId)))
    .orderBy("mesh_id")
    .orderBy("poller_id")
    .limit(limit)
    .execute();
  return rows.map(toDelivery);
}

/** What one poller was served last, of each trust domain. */
export async function deliveriesToPoller(db: Executor, pollerId: string): Promise<Delivery[]> {
  const rows = await db
    .selectFrom("delivery")
    .selectAll()
    .where("poller_id", "=", pollerId)
    .orderBy("trust_domain")
    .execute();
  return rows.map(toDelivery);
}
