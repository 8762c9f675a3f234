import type { Selectable } from "kysely";
import type { ProjectionName } from "../../bundle/projections.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor, Tables } from "../../store/tables.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import type { Delivery } from "./delivery.ts";

const toDelivery = (row: Selectable<Tables["delivery"]>): Delivery => ({
  pollerId: row.poller_id,
  meshId: row.mesh_id as MeshId,
  trustDomain: row.trust_domain as TrustDomain,
  sequence: row.sequence,
  revision: row.revision,
  projection: row.projection as ProjectionName,
  at: row.at,
});

/** Writes a batch: the latest per poller and trust domain, and one row for each first fetch of a revision. */
export async function saveDeliveries(tx: Executor, deliveries: readonly Delivery[]): Promise<void> {
  for (const delivery of deliveries) {
    const row = {
      mesh_id: delivery.meshId,
      sequence: delivery.sequence,
      revision: delivery.revision,
      projection: delivery.projection,
      at: delivery.at,
    };
    await tx
      .insertInto("delivery")
      .values({ ...row, poller_id: delivery.pollerId, trust_domain: delivery.trustDomain })
      .onConflict((conflict) => conflict.columns(["poller_id", "trust_domain"]).doUpdateSet(row))
      .execute();
    if (delivery.revision === null) continue;
    await tx
      .insertInto("first_delivery")
      .values({
        poller_id: delivery.pollerId,
        trust_domain: delivery.trustDomain,
        revision: delivery.revision,
        at: delivery.at,
      })
      .onConflict((conflict) => conflict.columns(["poller_id", "trust_domain", "revision"]).doNothing())
      .execute();
  }
}

/** The latest deliveries to one mesh's pollers. */
export async function deliveriesTo(db: Executor, meshId: MeshId): Promise<Delivery[]> {
  const rows = await db
    .selectFrom("delivery")
    .selectAll()
    .where("mesh_id", "=", meshId)
    .orderBy("trust_domain")
    .orderBy("poller_id")
    .execute();
  return rows.map(toDelivery);
}

/** The latest deliveries of one trust domain's bundle to whomever. */
export async function deliveriesOf(db: Executor, trustDomain: TrustDomain): Promise<Delivery[]> {
  const rows = await db
    .selectFrom("delivery")
    .selectAll()
    .where("trust_domain", "=", trustDomain)
    .orderBy("mesh_id")
    .orderBy("poller_id")
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
