import { clockActor } from "../../store/event.ts";
import { expiriesToldTo, setExpiriesToldTo } from "../../store/event-log.ts";
import type { Executor } from "../../store/tables.ts";
import type { UnitOfWork, Work } from "../../store/unit-of-work.ts";
import { DAY_MS, type EpochMs, toRfc3339 } from "../../time.ts";
import { trustDomainsExpiringBetween } from "../authorities/authority.service.ts";
import { accessesDue, bundlesDue, earliestPublicationDeadline, withdrawnAccesses } from "./bundle.store.ts";
import { nextExpiry, recordExpiries } from "./expiries.service.ts";

/** The next instant at which the clock alone changes something that the log will say; null for never. */
export async function earliestDeadline(db: Executor): Promise<EpochMs | null> {
  const times = [await earliestPublicationDeadline(db), await nextExpiry(db)].filter((at) => at !== null);
  return times.length > 0 ? Math.min(...times) : null;
}

/** So many a unit of work: whoever else would change something waits for it. */
const MOST_BUNDLES_AT_ONCE = 100;

/** Records what the clock has changed: all that falls due at once is one change of whatever it changes. */
export async function settleDue(unitOfWork: UnitOfWork): Promise<void> {
  while (await unitOfWork.run(clockActor, settleSome));
}

/** @returns whether there is more to settle */
async function settleSome(work: Work): Promise<boolean> {
  const told = await recordExpiries(work);
  const expired = work.cause !== undefined;
  for (const { meshId, trustDomain } of await accessesDue(work.tx, told)) work.touched.access(meshId, trustDomain);
  const bundles = await bundlesDue(work.tx, work.now, MOST_BUNDLES_AT_ONCE);
  // A revision says what made it necessary: a day that passed since an expiry, and none of the expiries of today.
  if (expired || told < work.now) return told < work.now || bundles.length > 0;
  for (const trustDomain of bundles) work.touched.bundle(trustDomain);
  return bundles.length === MOST_BUNDLES_AT_ONCE;
}

/**
 * The clock was set. What fell due by it before and is not due any more comes back (L6); what is due by it now is
 * `settleDue`'s.
 * @param from where the clock would be had it gone on
 */
export async function settleJump(unitOfWork: UnitOfWork, from: EpochMs, audited: boolean): Promise<void> {
  await unitOfWork.run(clockActor, async (work) => {
    if (audited)
      work.record({ type: "clock.jumped", subjects: [], fields: { from: toRfc3339(from), to: toRfc3339(work.now) } });
    if (work.now >= from) return;
    // What expired by the clock that was wrong expires again, and the log says so again.
    if ((await expiriesToldTo(work.tx)) > work.now) await setExpiriesToldTo(work.tx, work.now);
    const restored = await trustDomainsExpiringBetween(work.tx, work.now - DAY_MS, from - DAY_MS);
    for (const trustDomain of restored) work.touched.bundle(trustDomain);
    for (const { meshId, trustDomain } of await withdrawnAccesses(work.tx)) work.touched.access(meshId, trustDomain);
  });
}
