import type { Subject } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import { notFound } from "../access/caller.ts";
import { reaches, type Scope } from "../access/role.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { federationBeganAt, findFederation, listFederations } from "./federation.store.ts";
import type { Federation } from "./federation.ts";
import type { Party } from "./terms.ts";

export { listFederations };

/**
 * A federation as its sides, the owners of their trust domains, operators and auditors may see it.
 * @throws {Refusal} `not-found`
 */
export async function visibleFederation(db: Executor, scope: Scope, federationId: string): Promise<Federation> {
  const federation = await findFederation(db, federationId);
  if (!federation) throw notFound();
  for (const party of federation.parties) {
    if (reaches(scope, party.meshId)) return federation;
    const owner = await ownerOverParty(db, federation, party);
    if (owner && reaches(scope, owner)) return federation;
  }
  throw notFound();
}

/**
 * The owner of a party's trust domain. Where it was given back and registered again, what was proposed before is not the new
 * owner's to see (S21).
 */
export async function ownerOverParty(
  db: Executor,
  { federationId }: Federation,
  { trustDomain }: Party,
): Promise<MeshId | null> {
  const record = await trustDomainNamed(db, trustDomain);
  if (!record || record.ownedSince === null) return record?.owner ?? null;
  const beganAt = await federationBeganAt(db, federationId);
  return beganAt === undefined || beganAt > record.ownedSince ? record.owner : null;
}

/**
 * Both sides, and the owners of their trust domains, see what happens to the federation. An owner may be unlisted, and a
 * stranger can propose to its member: it is not named (S21).
 */
export async function concernedBy(
  db: Executor,
  federation: Federation,
): Promise<{ readonly subjects: readonly Subject[]; readonly audience: readonly Subject[] }> {
  const subjects: Subject[] = [`federation/${federation.federationId}`];
  const audience: Subject[] = [];
  for (const party of federation.parties) {
    subjects.push(`mesh/${party.meshId}`, `trust-domain/${party.trustDomain}`);
    const owner = await ownerOverParty(db, federation, party);
    if (owner) audience.push(`mesh/${owner}`);
  }
  return { subjects, audience };
}
