import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { findBroker, insertBroker, saveTrustDomain } from "./trust-domain.store.ts";

export { findBroker };

/** Makes the broker's own trust domain: it has no owner, so that nobody can register it. Once, at the first start. */
export async function initialiseBroker(
  work: Work,
  trustDomain: TrustDomain,
  refreshHintSeconds: number,
): Promise<void> {
  await insertBroker(work.tx, trustDomain, work.now);
  await saveTrustDomain(work.tx, {
    name: trustDomain,
    owner: null,
    refreshHintSeconds,
    public: false,
    createdAt: work.now,
    updatedAt: work.now,
    freedAt: null,
    revisionPosition: null,
  });
  work.record({ type: "broker.initialised", subjects: [`trust-domain/${trustDomain}`], fields: { trustDomain } });
}
