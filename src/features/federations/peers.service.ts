import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import { reaches, type Scope } from "../access/role.ts";
import { membersOf, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { peersOfMesh } from "./federation.store.ts";

/**
 * Which consumers of a trust domain a scope may know of (S21): its owner knows all of them, but for those of an owner before;
 * another member its own peers, and everybody itself.
 */
export async function knownConsumers(db: Executor, scope: Scope, trustDomain: TrustDomain): Promise<Known> {
  if (scope.all) return "all";
  const record = await trustDomainNamed(db, trustDomain);
  const isOwners = record?.owner != null && reaches(scope, record.owner);
  if (isOwners && record.ownedSince === null) return "all";
  const known = new Set<string>(scope.meshes);
  for (const meshId of scope.meshes) addAll(known, await peersOfMesh(db, meshId, 0));
  if (!isOwners) return known;
  // Of one that an earlier owner gave back, the present members and those that they federate with since.
  for (const { meshId } of await membersOf(db, trustDomain))
    addAll(known, [meshId, ...(await peersOfMesh(db, meshId, record.ownedSince ?? 0))]);
  return known;
}

function addAll(set: Set<string>, some: readonly string[]): void {
  for (const one of some) set.add(one);
}

/** The mesh IDs that somebody may know of. */
export type Known = "all" | ReadonlySet<string>;
export const isKnown = (known: Known, meshId: string): boolean => known === "all" || known.has(meshId);
