import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { Scope } from "../access/role.ts";
import { sequencesOf } from "../bundles/bundle.service.ts";
import { knownConsumers } from "../federations/peers.service.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { readTrustDomain, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import {
  type After,
  deliveriesOf,
  deliveriesTo,
  deliveriesToPoller,
  heldSince,
  saveDeliveries,
} from "./delivery.store.ts";
import { type Delivery, type Holder, isCurrent, type LedgerEntry } from "./delivery.ts";

export { deliveriesToPoller, heldSince, saveDeliveries };

/** What one mesh's pollers hold, by the ledger. */
export async function heldByMesh(
  db: Executor,
  meshId: MeshId,
  after: After<TrustDomain>,
  limit: number,
): Promise<LedgerEntry[]> {
  return withCurrency(db, await deliveriesTo(db, meshId, after, limit));
}

/**
 * Who holds a trust domain's bundle, of those that the scope may know of.
 * @throws {Refusal} `not-found` to whoever may not read the trust domain
 */
export async function holdersOf(
  db: Executor,
  scope: Scope,
  trustDomain: TrustDomain,
  after: After<MeshId>,
  limit: number,
): Promise<Holder[]> {
  await readTrustDomain(db, scope, trustDomain);
  const known = await knownConsumers(db, scope, trustDomain);
  const entries = await withCurrency(db, await deliveriesOf(db, trustDomain, known, after, limit));
  const positions = entries.map(({ revision }) => revision).filter((revision) => revision !== null);
  const sequences = await sequencesOf(db, trustDomain, [...new Set(positions)]);
  return entries.map((entry) => ({ ...entry, revisionSequence: sequences.get(entry.revision ?? 0) ?? null }));
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
