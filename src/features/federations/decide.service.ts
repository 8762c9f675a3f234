import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import { notFound, requireReach, type TokenCaller } from "../access/caller.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { changeTerms } from "./change-terms.ts";
import { type ConsentDecision, decideConsent } from "./consent.ts";
import { unendedOfMesh } from "./federation.store.ts";
import { consentOf, type Decided, type Federation } from "./federation.ts";
import { openFederationsOf, requireNoOtherOpen } from "./federation-facts.service.ts";
import { saveDecided } from "./save-decided.service.ts";
import { authoritiesShown } from "./shown-authorities.service.ts";
import type { Direction } from "./terms.ts";
import { decideVeto } from "./veto.ts";
import { ownerOverParty, visibleFederation } from "./visible-federation.service.ts";

/**
 * One side grants, denies or withdraws; or the owner of a side's trust domain vetoes or allows again.
 * @throws {Refusal} `not-found`, `terms-changed`, `federation-decision`, `federation-exists`
 */
export async function giveConsent(
  work: Work,
  caller: TokenCaller,
  federationId: string,
  asked: Word,
  { byMesh } = { byMesh: true },
): Promise<Federation> {
  const { meshId, decision, reason } = asked;
  const before = await visibleFederation(work.tx, caller.scope, federationId);
  requireReach(caller, meshId, "/meshId");
  const decided = consentOf(before, meshId)
    ? await withVetoLifted(work, decideConsent(before, meshId, decision, asked.termsDigest, reason, work.now), asked)
    : decideVeto(
        before,
        { owner: meshId, trustDomain: await vetoedTrustDomain(work.tx, before, meshId) },
        decision,
        reason,
        work.now,
      );
  // A veto stands for the pair: put on what has ended, it would leave the open one as it is.
  if (decision === "grant" || decided.changes.includes("vetoed")) await requireOnlyOpen(work, before);
  return saveDecided(work, before, decided, meshId, reason, byMesh ? { actingMesh: meshId } : {});
}

interface Word {
  readonly meshId: MeshId;
  readonly decision: ConsentDecision;
  readonly termsDigest: string | null;
  readonly reason: string | null;
}

/** @throws {Refusal} `federation-exists` */
function requireOnlyOpen(work: Work, { federationId, parties: [a, b] }: Federation): Promise<void> {
  return requireNoOtherOpen(work, a.meshId, b.meshId, federationId);
}

/** A side that became the owner of its trust domain after the owner before had vetoed lifts the veto as it grants. */
async function withVetoLifted(work: Work, decided: Decided, { meshId, decision, reason }: Word): Promise<Decided> {
  if (decision !== "grant") return decided;
  for (const { trustDomain } of decided.federation.vetoes) {
    if ((await trustDomainNamed(work.tx, trustDomain))?.owner !== meshId) continue;
    const lifted = decideVeto(decided.federation, { owner: meshId, trustDomain }, "grant", reason, work.now);
    return { federation: lifted.federation, changes: [...decided.changes, ...lifted.changes] };
  }
  return decided;
}

/** The trust domain of a party that this mesh owns without being a party. @throws {Refusal} `not-found` */
async function vetoedTrustDomain(db: Executor, federation: Federation, meshId: MeshId): Promise<TrustDomain> {
  for (const party of federation.parties) {
    if ((await ownerOverParty(db, federation, party)) === meshId) return party.trustDomain;
  }
  throw notFound("/meshId");
}

/**
 * One side asks for other terms; see `changeTerms` for what takes effect at once.
 * @throws {Refusal} `not-found`, `invalid-terms`, `terms-unchanged`, `federation-exists`
 */
export async function askForTerms(
  work: Work,
  caller: TokenCaller,
  federationId: string,
  asked: {
    meshId: MeshId;
    trust: readonly Direction[] | undefined;
    expiresAt: EpochMs | null | undefined;
    reason: string | null;
  },
): Promise<Federation> {
  const before = await visibleFederation(work.tx, caller.scope, federationId);
  requireReach(caller, asked.meshId, "/meshId");
  if (!consentOf(before, asked.meshId)) throw notFound("/meshId");
  const authorities = await authoritiesShown(work, before.parties);
  const decided = changeTerms(before, { ...asked, authorities, now: work.now });
  // Less is always possible, at once (decision 10).
  if (!decided.changes.includes("terms-narrowed")) await requireOnlyOpen(work, before);
  return saveDecided(work, before, decided, asked.meshId, asked.reason);
}

/**
 * A mesh that goes takes its consent back from all that is open.
 * @param byMesh whether its own admin does it, or an operator
 */
export async function withdrawAll(work: Work, meshId: MeshId, reason: string, byMesh: boolean): Promise<void> {
  const by = byMesh ? { actingMesh: meshId } : {};
  for (const federation of await openFederationsOf(work, meshId)) await takeBack(work, federation, meshId, reason, by);
}

/**
 * Ends what a mesh has agreed in a trust domain that is nobody's any more: its peers trusted that one's owner. What waits for a
 * membership, for a veto's end or for a clock that is set back ends too.
 */
export async function endAllOf(work: Work, meshId: MeshId, reason: string): Promise<void> {
  for (const federation of await unendedOfMesh(work.tx, meshId)) {
    // Beside a veto the mesh may have ended it itself.
    const mine = consentOf(federation, meshId)?.decision;
    if (mine === "granted" || mine === "pending") await takeBack(work, federation, meshId, reason, {});
  }
}

async function takeBack(
  work: Work,
  federation: Federation,
  meshId: MeshId,
  reason: string,
  by: { readonly actingMesh?: MeshId },
): Promise<void> {
  const decision = consentOf(federation, meshId)?.decision === "granted" ? "withdraw" : "deny";
  const decided = decideConsent(federation, meshId, decision, null, reason, work.now);
  await saveDecided(work, federation, decided, meshId, reason, by);
}
