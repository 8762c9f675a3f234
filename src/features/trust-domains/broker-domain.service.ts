import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { findBroker, insertBroker, saveCursorKey, saveTrustDomain } from "./trust-domain.store.ts";

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
    ownedSince: null,
    revisionPosition: null,
  });
  work.record({ type: "broker.initialised", subjects: [`trust-domain/${trustDomain}`], fields: { trustDomain } });
}

/** The key that cursors are sealed with (S21), one for all servers of a database; made where there is none. */
export async function cursorKeyOf({ tx, random }: Pick<Work, "tx" | "random">): Promise<Buffer> {
  const known = (await findBroker(tx))?.cursorKey;
  if (known != null) return Buffer.from(known, "base64url");
  const made = Buffer.from(random(32));
  await saveCursorKey(tx, made.toString("base64url"));
  return made;
}
