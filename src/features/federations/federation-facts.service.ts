import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { meshNamed } from "../meshes/mesh-lookup.service.ts";
import { membershipOf } from "../trust-domains/trust-domain.service.ts";
import { federationsOfMesh, federationsWithTrustDomain, findFederation, standingBetween } from "./federation.store.ts";
import { currentTerms, directionsServed, type Federation, isOpen, type PartyFacts, stateOf } from "./federation.ts";

/** What the federation's state depends on beside itself. */
export async function factsOf(db: Executor, federation: Federation): Promise<PartyFacts> {
  const meshes = await Promise.all(federation.parties.map(({ meshId }) => meshNamed(db, meshId)));
  const membersInGoodStanding = meshes.every((mesh) => mesh?.membership === "granted");
  const suspended = meshes.flatMap((mesh) =>
    mesh?.suspension ? [{ meshId: mesh.meshId, at: mesh.suspension.at }] : [],
  );
  const suspensionEndedAt = Math.max(...meshes.map((mesh) => mesh?.suspensionEndedAt ?? 0));
  const facts = { membersInGoodStanding, suspended, ...(suspensionEndedAt > 0 ? { suspensionEndedAt } : {}) };
  if (membersInGoodStanding) return facts;
  const memberships = await Promise.all(federation.parties.map(({ meshId }) => membershipOf(db, meshId)));
  const ended = memberships.map((membership) => (membership?.state === "granted" ? null : membership?.decidedAt));
  const since = Math.max(...ended.map((at) => at ?? 0));
  return since > 0 ? { ...facts, notMembersSince: since } : facts;
}

/** Federations of the mesh that are pending or active. */
export async function openFederationsOf(work: Pick<Work, "tx" | "now">, meshId: MeshId): Promise<Federation[]> {
  const all = await federationsOfMesh(work.tx, meshId, work.now);
  const states = await Promise.all(
    all.map(async (federation) => stateOf(federation, await factsOf(work.tx, federation), work.now)),
  );
  return all.filter((_, index) => isOpen(states[index] ?? "denied"));
}

/**
 * How many open federations count for a mesh: one that is not agreed yet counts for its proposer alone, and one that a
 * membership alone keeps from being active still counts (S22).
 */
export async function countFederationsOf({ tx, now }: Work, meshId: MeshId): Promise<number> {
  const all = await federationsOfMesh(tx, meshId, now);
  const open = all.filter((federation) => isOpen(stateOf(federation, { membersInGoodStanding: true }, now)));
  return open.filter(({ agreement, proposer }) => agreement !== null || proposer === meshId).length;
}

/**
 * Ends of the active federations by which a mesh is served a trust domain's bundle; null for one without an end. With
 * `suspensions` left out, also of those by which it would be served but for one.
 */
export async function federationEndsFor(
  work: Pick<Work, "tx" | "now">,
  meshId: MeshId,
  trustDomain: TrustDomain,
  suspensions: "count" | "left-out" = "count",
): Promise<(EpochMs | null)[]> {
  const ends: (EpochMs | null)[] = [];
  for (const federation of await federationsWithTrustDomain(work.tx, meshId, trustDomain, work.now)) {
    const facts = await factsOf(work.tx, federation);
    const served = directionsServed(
      federation,
      suspensions === "count" ? facts : { ...facts, suspended: [] },
      work.now,
    );
    if (served.some(({ consumer }) => consumer === meshId)) ends.push(currentTerms(federation).expiresAt);
  }
  return ends;
}

export async function requireNoOtherOpen(work: Work, a: MeshId, b: MeshId, except: string | undefined): Promise<void> {
  for (const other of await standingBetween(work.tx, a, b, work.now)) {
    if (other.federationId === except) continue;
    // A veto stands for the pair: another proposal would only walk around it.
    const vetoed = other.vetoes.length > 0;
    if (vetoed || isOpen(stateOf(other, await factsOf(work.tx, other), work.now))) {
      const what = vetoed ? "a vetoed federation, which the owner can allow again" : "an open federation";
      throw new Refusal("federation-exists", `${a} and ${b} have ${what}`, {
        extra: { federationId: other.federationId },
      });
    }
  }
}

/** The meshes on both sides of a federation; none where there is none. */
export const partiesOf = async (db: Executor, federationId: string): Promise<readonly MeshId[]> =>
  ((await findFederation(db, federationId))?.parties ?? []).map(({ meshId }) => meshId);
