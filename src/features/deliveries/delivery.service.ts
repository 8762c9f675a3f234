import type { Executor } from "../../store/tables.ts";
import { notFound } from "../access/caller.ts";
import { peersOf } from "../federations/peers.service.ts";
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

/** The owner sees who holds its trust domain's bundle; another member only those it has a federation with (S21). */
async function providedBy(db: Executor, { meshId, trustDomain }: RegisteredMesh): Promise<Delivery[]> {
  const others = (await deliveriesOf(db, trustDomain)).filter((delivery) => delivery.meshId !== meshId);
  if ((await trustDomainNamed(db, trustDomain))?.owner === meshId) return others;
  const peers = await peersOf(db, meshId);
  return others.filter((delivery) => peers.has(delivery.meshId));
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
