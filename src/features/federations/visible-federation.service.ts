import type { Subject } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import { notFound } from "../access/caller.ts";
import { reaches, type Scope } from "../access/role.ts";
import { ownerOf, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { findFederation, listFederations } from "./federation.store.ts";

export { listFederations };

import type { Federation } from "./federation.ts";

/**
 * A federation as its sides, the owners of their trust domains, operators and auditors may see it.
 * @throws {Refusal} `not-found`
 */
export async function visibleFederation(db: Executor, scope: Scope, federationId: string): Promise<Federation> {
  const federation = await findFederation(db, federationId);
  if (!federation) throw notFound();
  for (const { meshId, trustDomain } of federation.parties) {
    if (reaches(scope, meshId)) return federation;
    const owner = (await trustDomainNamed(db, trustDomain))?.owner;
    if (owner && reaches(scope, owner)) return federation;
  }
  throw notFound();
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
  for (const { meshId, trustDomain } of federation.parties) {
    subjects.push(`mesh/${meshId}`, `trust-domain/${trustDomain}`);
    audience.push(...ownerOf(await trustDomainNamed(db, trustDomain)));
  }
  return { subjects, audience };
}
