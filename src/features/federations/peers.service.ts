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
  // Of one that an earlier owner gave back, the present members and those that they federate with.
  const members = isOwners ? (await membersOf(db, trustDomain)).map(({ meshId }) => meshId) : [];
  const known = new Set<string>([...scope.meshes, ...members]);
  for (const meshId of [...known]) for (const peer of await peersOfMesh(db, meshId)) known.add(peer);
  return known;
}

/** The mesh IDs that somebody may know of. */
export type Known = "all" | ReadonlySet<string>;
export const isKnown = (known: Known, meshId: string): boolean => known === "all" || known.has(meshId);
