import type { Executor } from "../../store/tables.ts";
import { notFound } from "../access/caller.ts";
import { knownConsumers } from "../federations/peers.service.ts";
import type { RegisteredMesh } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { meshNamed } from "../meshes/mesh-lookup.service.ts";
import { trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { deliveriesOf, deliveriesTo, deliveriesToPoller, heldSince, saveDeliveries } from "./delivery.store.ts";
import { type Delivery, isCurrent, type LedgerEntry } from "./delivery.ts";

export { deliveriesToPoller, heldSince, saveDeliveries };

/**
 * The ledger as one mesh may see it: what its own pollers hold, and who holds its trust domain's bundle.
 * @throws {Refusal} `not-found`
 */
export async function ledgerOf(
  db: Executor,
  meshId: MeshId,
): Promise<{ asConsumer: LedgerEntry[]; asProvider: LedgerEntry[] }> {
  const mesh = await meshNamed(db, meshId);
  if (!mesh) throw notFound();
  const asConsumer = await withCurrency(db, await deliveriesTo(db, meshId));
  const asProvider = mesh.membership === "granted" ? await providedBy(db, mesh) : [];
  return { asConsumer, asProvider: await withCurrency(db, asProvider) };
}

/** Who holds the bundle of the mesh's trust domain, of those that it may know of. */
async function providedBy(db: Executor, { meshId, trustDomain }: RegisteredMesh): Promise<Delivery[]> {
  const isKnown = await knownConsumers(db, { all: false, meshes: [meshId] }, trustDomain);
  return (await deliveriesOf(db, trustDomain)).filter((one) => one.meshId !== meshId && isKnown(one.meshId));
}

async function withCurrency(db: Executor, deliveries: readonly Delivery[]): Promise<LedgerEntry[]> {
  const newest = new Map<string, number | null>();
  for (const { trustDomain } of deliveries) {
    if (!newest.has(trustDomain))
      newest.set(trustDomain, (await trustDomainNamed(db, trustDomain))?.revisionPosition ?? null);
  }
  return deliveries.map((delivery) => ({
    ...delivery,
    current: isCurrent(delivery, newest.get(delivery.trustDomain) ?? null),
  }));
}
