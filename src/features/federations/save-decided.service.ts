import type { NewEvent } from "../../store/event.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { federationsOfMesh, saveFederation } from "./federation.store.ts";
import { currentTerms, type Decided, type Federation } from "./federation.ts";
import { termsDigest } from "./terms.ts";
import { concernedBy } from "./visible-federation.service.ts";

export async function saveDecided(
  work: Work,
  before: Federation,
  decided: Decided,
  meshId: MeshId,
  reason: string | null,
  by: Pick<NewEvent, "actingMesh" | "actor" | "fields"> = { actingMesh: meshId },
): Promise<Federation> {
  const [said] = decided.changes;
  if (said === undefined) return before;
  const after: Federation = { ...decided.federation, lastWord: { meshId, said, at: work.now, reason } };
  await saveFederation(work.tx, after);
  for (const change of decided.changes) {
    work.record({
      type: `federation.${change}`,
      ...(await concernedBy(work.tx, after)),
      ...by,
      fields: { meshId, termsDigest: termsDigest(currentTerms(after)), reason, ...by.fields },
      before,
      after,
    });
  }
  touchParties(work, after);
  return after;
}

/** Of those that ended both sides have their tombstones already. */
export async function touchFederationsOf(work: Work, meshId: MeshId): Promise<void> {
  for (const federation of await federationsOfMesh(work.tx, meshId, work.now)) touchParties(work, federation);
}

/** Both sides' access follows from the federation: look at it before the commit. */
function touchParties(work: Work, federation: Federation): void {
  const [a, b] = federation.parties;
  work.touched.access(a.meshId, b.trustDomain);
  work.touched.access(b.meshId, a.trustDomain);
}
