import { Refusal } from "../../errors.ts";
import { randomId } from "../../randomness.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Subject } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import { notFound, requireMesh, type TokenCaller } from "../access/caller.ts";
import { reaches, type Scope } from "../access/role.ts";
import { newestRevision } from "../bundles/bundle.service.ts";
import type { RegisteredMesh } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { meshNamed } from "../meshes/mesh-lookup.service.ts";
import { membershipOf, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import {
  federationsBetween,
  federationsOfMesh,
  federationsWithTrustDomain,
  findFederation,
  listFederations,
  saveFederation,
} from "./federation.store.ts";
import {
  type ConsentDecision,
  changeTerms,
  consentOf,
  currentTerms,
  type Decided,
  decideConsent,
  decideVeto,
  directionsServed,
  type Federation,
  isOpen,
  type PartyFacts,
  proposeFederation,
  type ShownAuthorities,
  stateOf,
} from "./federation.ts";
import { bothDirections, type Direction, makeTerms, type Party, termsDigest } from "./terms.ts";

export { listFederations };

/** What the federation's state depends on beside itself. */
export async function factsOf(db: Executor, federation: Federation): Promise<PartyFacts> {
  const meshes = await Promise.all(federation.parties.map(({ meshId }) => meshNamed(db, meshId)));
  const membersInGoodStanding = meshes.every((mesh) => mesh?.membership === "granted");
  if (membersInGoodStanding) return { membersInGoodStanding };
  const memberships = await Promise.all(federation.parties.map(({ meshId }) => membershipOf(db, meshId)));
  const ended = memberships.map((membership) => (membership?.state === "granted" ? null : membership?.decidedAt));
  const since = Math.max(...ended.map((at) => at ?? 0));
  return since > 0 ? { membersInGoodStanding, notMembersSince: since } : { membersInGoodStanding };
}

/**
 * Proposes a federation. An admin of the proposer consents with it; an operator consents for nobody.
 * @throws {Refusal} `not-found` for a mesh that is absent, unlisted or not the caller's; `membership-pending`,
 * `federation-with-itself`, `invalid-terms`, `federation-exists`
 */
export async function propose(
  work: Work,
  caller: TokenCaller,
  asked: {
    proposer: MeshId;
    peer: MeshId;
    trust: readonly Direction[] | undefined;
    expiresAt: EpochMs | null;
    reason: string | null;
  },
): Promise<Federation> {
  const byOperator = caller.role === "operator";
  requireMesh(caller, asked.proposer, "/proposer");
  const proposer = await meshNamed(work.tx, asked.proposer);
  if (!proposer) throw notFound("/proposer");
  if (proposer.membership !== "granted") {
    throw new Refusal("membership-pending", `${proposer.meshId} is ${proposer.membership} in ${proposer.trustDomain}`, {
      pointer: "/proposer",
    });
  }
  const peer = asked.peer === asked.proposer ? proposer : await reachablePeer(work.tx, caller, asked.peer);
  const parties: readonly [Party, Party] = [partyOf(proposer), partyOf(peer)];
  const terms = makeTerms(parties, asked.trust ?? bothDirections(parties), asked.expiresAt, work.now);
  await requireNoOtherOpen(work, asked.proposer, asked.peer, undefined);

  const federation = proposeFederation({
    federationId: randomId(work.random, "fed"),
    terms,
    proposer: asked.proposer,
    byOperator,
    authorities: await authoritiesShown(work.tx, parties),
    reason: asked.reason,
    now: work.now,
  });
  await saveFederation(work.tx, federation);
  work.record({
    type: "federation.proposed",
    subjects: await subjectsOf(work.tx, federation),
    ...(byOperator ? {} : { actingMesh: asked.proposer }),
    fields: { meshId: asked.proposer, termsDigest: termsDigest(terms), reason: asked.reason },
    after: federation,
  });
  return federation;
}

const partyOf = ({ meshId, trustDomain }: RegisteredMesh): Party => ({ meshId, trustDomain });

/** An unlisted mesh, and one that may not federate yet, answer like an absent one, except to its own admins and operators. */
async function reachablePeer(db: Executor, caller: TokenCaller, meshId: MeshId): Promise<RegisteredMesh> {
  const peer = await meshNamed(db, meshId);
  const visible = peer && (peer.listed || reaches(caller.scope, meshId));
  if (!peer || !visible || peer.membership !== "granted") throw notFound("/peer");
  return peer;
}

async function requireNoOtherOpen(work: Work, a: MeshId, b: MeshId, except: string | undefined): Promise<void> {
  for (const other of await federationsBetween(work.tx, a, b)) {
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

/**
 * One side grants, denies or withdraws; or the owner of a side's trust domain vetoes or allows again.
 * @throws {Refusal} `not-found`, `terms-changed`, `federation-decision`, `federation-exists`, `membership-pending`
 */
export async function giveConsent(
  work: Work,
  caller: TokenCaller,
  federationId: string,
  asked: { meshId: MeshId; decision: ConsentDecision; termsDigest: string | null; reason: string | null },
): Promise<Federation> {
  const { meshId, decision, reason } = asked;
  const before = await visibleFederation(work.tx, caller.scope, federationId);
  requireMesh(caller, meshId, "/meshId");
  const decided = consentOf(before, meshId)
    ? decideConsent(before, meshId, decision, asked.termsDigest, reason, work.now)
    : decideVeto(
        before,
        { owner: meshId, trustDomain: await vetoedTrustDomain(work.tx, before, meshId) },
        decision,
        reason,
        work.now,
      );
  if (decision === "grant") {
    const [a, b] = before.parties;
    await requireNoOtherOpen(work, a.meshId, b.meshId, federationId);
  }
  return saveDecided(work, before, decided, meshId, reason);
}

/** The trust domain of a party that this mesh owns without being a party. @throws {Refusal} `not-found` */
async function vetoedTrustDomain(db: Executor, federation: Federation, meshId: MeshId): Promise<TrustDomain> {
  for (const { trustDomain } of federation.parties) {
    if ((await trustDomainNamed(db, trustDomain))?.owner === meshId) return trustDomain;
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
  requireMesh(caller, asked.meshId, "/meshId");
  if (!consentOf(before, asked.meshId)) throw notFound("/meshId");
  const [a, b] = before.parties;
  await requireNoOtherOpen(work, a.meshId, b.meshId, federationId);
  const authorities = await authoritiesShown(work.tx, before.parties);
  const decided = changeTerms(before, { ...asked, authorities, now: work.now });
  return saveDecided(work, before, decided, asked.meshId, asked.reason);
}

async function saveDecided(
  work: Work,
  before: Federation,
  decided: Decided,
  meshId: MeshId,
  reason: string | null,
  byMesh = true,
): Promise<Federation> {
  const after = decided.federation;
  if (decided.changes.length === 0) return before;
  await saveFederation(work.tx, after);
  for (const change of decided.changes) {
    work.record({
      type: `federation.${change}`,
      subjects: await subjectsOf(work.tx, after),
      ...(byMesh ? { actingMesh: meshId } : {}),
      fields: { meshId, termsDigest: termsDigest(currentTerms(after)), reason },
      before,
      after,
    });
  }
  touchParties(work, after);
  return after;
}

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

/** Ends of the active federations by which a mesh is served a trust domain's bundle; null for one without an end. */
export async function federationEndsFor(
  work: Work,
  meshId: MeshId,
  trustDomain: TrustDomain,
): Promise<(EpochMs | null)[]> {
  const ends: (EpochMs | null)[] = [];
  for (const federation of await federationsWithTrustDomain(work.tx, meshId, trustDomain)) {
    const served = directionsServed(federation, await factsOf(work.tx, federation), work.now);
    if (served.some(({ consumer }) => consumer === meshId)) ends.push(currentTerms(federation).expiresAt);
  }
  return ends;
}

/** Both sides' access follows from the federation: look at it before the commit. */
function touchParties(work: Work, federation: Federation): void {
  const [a, b] = federation.parties;
  work.touched.access(a.meshId, b.trustDomain);
  work.touched.access(b.meshId, a.trustDomain);
}

export async function touchFederationsOf(work: Work, meshId: MeshId): Promise<void> {
  for (const federation of await federationsOfMesh(work.tx, meshId)) touchParties(work, federation);
}

/** Federations of the mesh that are pending or active. */
export async function openFederationsOf(work: Work, meshId: MeshId): Promise<Federation[]> {
  const all = await federationsOfMesh(work.tx, meshId);
  const states = await Promise.all(
    all.map(async (federation) => stateOf(federation, await factsOf(work.tx, federation), work.now)),
  );
  return all.filter((_, index) => isOpen(states[index] ?? "denied"));
}

/**
 * A mesh that goes takes its consent back from all that is open.
 * @param byMesh whether its own admin does it, or an operator
 */
export async function withdrawAll(work: Work, meshId: MeshId, reason: string, byMesh: boolean): Promise<void> {
  for (const federation of await openFederationsOf(work, meshId)) {
    const decision = consentOf(federation, meshId)?.decision === "granted" ? "withdraw" : "deny";
    const decided = decideConsent(federation, meshId, decision, null, reason, work.now);
    await saveDecided(work, federation, decided, meshId, reason, byMesh);
  }
}

/** The fingerprints that each side publishes now, as both are shown them with a proposal (S20). */
async function authoritiesShown(db: Executor, parties: readonly Party[]): Promise<ShownAuthorities> {
  const shown: Record<string, readonly string[]> = {};
  for (const { trustDomain } of parties)
    shown[trustDomain] = (await newestRevision(db, trustDomain))?.fingerprints ?? [];
  return shown;
}

/** Both sides, and the owners of their trust domains, see what happens to the federation. */
async function subjectsOf(db: Executor, federation: Federation): Promise<Subject[]> {
  const subjects: Subject[] = [`federation/${federation.federationId}`];
  for (const { meshId, trustDomain } of federation.parties) {
    subjects.push(`mesh/${meshId}`, `trust-domain/${trustDomain}`);
    const owner = (await trustDomainNamed(db, trustDomain))?.owner;
    if (owner) subjects.push(`mesh/${owner}`);
  }
  return subjects;
}
