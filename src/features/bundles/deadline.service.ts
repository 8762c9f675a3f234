import { clockActor } from "../../store/event.ts";
import type { UnitOfWork, Work } from "../../store/unit-of-work.ts";
import { DAY_MS, type EpochMs } from "../../time.ts";
import { trustDomainsOfAuthoritiesExpiring } from "../authorities/authority.service.ts";
import { dueBy, earliestDeadline, withdrawnAccesses } from "./bundle.store.ts";

export { earliestDeadline };

/** Records what the clock has changed: all that falls due at once is one change. */
export async function settleDue(unitOfWork: UnitOfWork): Promise<void> {
  await unitOfWork.run(clockActor, touchDue);
}

async function touchDue(work: Work): Promise<void> {
  const due = await dueBy(work.tx, work.now);
  for (const trustDomain of due.bundles) work.touched.bundle(trustDomain);
  for (const { meshId, trustDomain } of due.accesses) work.touched.access(meshId, trustDomain);
}

/**
 * The clock was set: what fell due by it before and is not due any more comes back (L6).
 * @param from where the clock would be had it gone on
 */
export async function settleJump(unitOfWork: UnitOfWork, from: EpochMs, audited: boolean): Promise<void> {
  await unitOfWork.run(clockActor, async (work) => {
    if (audited) work.record({ type: "clock.jumped", subjects: [], fields: { from, to: work.now } });
    await touchDue(work);
    if (work.now >= from) return;
    const restored = await trustDomainsOfAuthoritiesExpiring(work.tx, work.now - DAY_MS, from - DAY_MS);
    for (const trustDomain of restored) work.touched.bundle(trustDomain);
    for (const { meshId, trustDomain } of await withdrawnAccesses(work.tx)) work.touched.access(meshId, trustDomain);
  });
}
