import { unexpired } from "../../bundle/published.ts";
import { Refusal } from "../../errors.ts";
import { randomId } from "../../randomness.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { NewEvent, Subject } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import { notFound, requireMesh, type TokenCaller } from "../access/caller.ts";
import { reaches, type Scope } from "../access/role.ts";
import { contributionsOf } from "../authorities/authority.service.ts";
import { publishedBy } from "../bundles/bundle.ts";
import { actorOf, openCode, spendCode } from "../federation-codes/federation-code.service.ts";
import { agreedByCode, type FederationCode } from "../federation-codes/federation-code.ts";
import type { RegisteredMesh } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { meshNamed } from "../meshes/mesh-lookup.service.ts";
import { membershipOf, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { requireGranted } from "../trust-domains/trust-domain-record.ts";
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

/**
 * Proposes a federation. An admin of the proposer consents with it; an operator consents for nobody. With a code of the
 * other mesh, that mesh consents too.
 * @throws {Refusal} `not-found` for a mesh that is absent, unlisted or not the caller's; `membership-pending`,
 * `federation-with-itself`, `invalid-terms`, `federation-exists`, `federation-code-invalid`
 */
export async function propose(
  work: Work,
  caller: TokenCaller,
  asked: {
    proposer: MeshId;
    /** May be absent where a code says which. */
    peer: MeshId | undefined;
    code?: string | undefined;
    trust: readonly Direction[] | undefined;
    expiresAt: EpochMs | null | undefined;
    reason: string | null;
  },
): Promise<Federation> {
  const byOperator = caller.role === "operator";
  requireMesh(caller, asked.proposer, "/proposer");
  const proposer = await meshNamed(work.tx, asked.proposer);
  if (!proposer) throw notFound("/proposer");
  requireGranted({ ...proposer, state: proposer.membership }, "/proposer");
  const consented = asked.code === undefined ? undefined : await openCode(work, asked.code, asked.peer);
  const peer = consented?.mesh ?? (await reachablePeer(work.tx, caller, proposer, asked.peer));
  const parties: readonly [Party, Party] = [partyOf(proposer), partyOf(peer)];
  const { trust, expiresAt } = consented ? agreedByCode(consented.code, proposer.meshId, asked) : asked;
  const terms = makeTerms(parties, trust ?? bothDirections(parties), expiresAt ?? null, work.now);
  await requireNoOtherOpen(work, proposer.meshId, peer.meshId, undefined);

  const federation = proposeFederation({
    federationId: randomId(work.random, "fed"),
    terms,
    proposer: asked.proposer,
    byOperator,
    authorities: await authoritiesShown(work, parties),
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
  return consented ? consentByCode(work, federation, consented.code) : federation;
}

/** The code's side grants what is proposed; the code is thereby spent. */
async function consentByCode(work: Work, proposed: Federation, code: FederationCode): Promise<Federation> {
  const { meshId, reason, codeId, createdBy } = code;
  const decided = decideConsent(proposed, meshId, "grant", null, reason, work.now);
  const by = { actingMesh: meshId, actor: actorOf(code), fields: { codeId, madeBy: createdBy } };
  const federation = await saveDecided(work, proposed, decided, meshId, reason, by);
  await spendCode(work, code, { meshId: proposed.proposer, federationId: proposed.federationId });
  return federation;
}

const partyOf = ({ meshId, trustDomain }: RegisteredMesh): Party => ({ meshId, trustDomain });

/** An unlisted mesh, and one that may not federate yet, answer like an absent one, except to its own admins and operators. */
async function reachablePeer(
  db: Executor,
  caller: TokenCaller,
  proposer: RegisteredMesh,
  meshId: MeshId | undefined,
): Promise<RegisteredMesh> {
  if (meshId === undefined)
    throw new Refusal("invalid-request", "name the other mesh, or send a code of it", { pointer: "/peer" });
  if (meshId === proposer.meshId) return proposer;
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
  asked: Word,
  { byMesh } = { byMesh: true },
): Promise<Federation> {
  const { meshId, decision, reason } = asked;
  const before = await visibleFederation(work.tx, caller.scope, federationId);
  requireMesh(caller, meshId, "/meshId");
  const decided = consentOf(before, meshId)
    ? await withVetoLifted(work, decideConsent(before, meshId, decision, asked.termsDigest, reason, work.now), asked)
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
  return saveDecided(work, before, decided, meshId, reason, byMesh ? { actingMesh: meshId } : {});
}

interface Word {
  readonly meshId: MeshId;
  readonly decision: ConsentDecision;
  readonly termsDigest: string | null;
  readonly reason: string | null;
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
  const authorities = await authoritiesShown(work, before.parties);
  const decided = changeTerms(before, { ...asked, authorities, now: work.now });
  return saveDecided(work, before, decided, asked.meshId, asked.reason);
}

async function saveDecided(
  work: Work,
  before: Federation,
  decided: Decided,
  meshId: MeshId,
  reason: string | null,
  by: Pick<NewEvent, "actingMesh" | "actor" | "fields"> = { actingMesh: meshId },
): Promise<Federation> {
  const after = decided.federation;
  if (decided.changes.length === 0) return before;
  await saveFederation(work.tx, after);
  for (const change of decided.changes) {
    work.record({
      type: `federation.${change}`,
      subjects: await subjectsOf(work.tx, after),
      ...by,
      fields: { meshId, termsDigest: termsDigest(currentTerms(after)), reason, ...by.fields },
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
export async function openFederationsOf(work: Pick<Work, "tx" | "now">, meshId: MeshId): Promise<Federation[]> {
  const all = await federationsOfMesh(work.tx, meshId);
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
  const all = await federationsOfMesh(tx, meshId);
  const open = all.filter((federation) => isOpen(stateOf(federation, { membersInGoodStanding: true }, now)));
  return open.filter(({ agreement, proposer }) => agreement !== null || proposer === meshId).length;
}

/**
 * A mesh that goes takes its consent back from all that is open.
 * @param byMesh whether its own admin does it, or an operator
 */
export async function withdrawAll(work: Work, meshId: MeshId, reason: string, byMesh: boolean): Promise<void> {
  for (const federation of await openFederationsOf(work, meshId)) {
    const decision = consentOf(federation, meshId)?.decision === "granted" ? "withdraw" : "deny";
    const decided = decideConsent(federation, meshId, decision, null, reason, work.now);
    await saveDecided(work, federation, decided, meshId, reason, byMesh ? { actingMesh: meshId } : {});
  }
}

/** The fingerprints that each side publishes now, as both are shown them with a proposal (S20). */
async function authoritiesShown({ tx, now }: Work, parties: readonly Party[]): Promise<ShownAuthorities> {
  const shown: Record<string, readonly string[]> = {};
  for (const { trustDomain } of parties) {
    // Not of the newest revision: the same unit of work may have brought authorities before.
    const published = unexpired(publishedBy(await contributionsOf(tx, trustDomain)), now);
    shown[trustDomain] = published.map(({ authority }) => authority.fingerprint).sort();
  }
  return shown;
}

/** Both sides, and the owners of their trust domains, see what happens to the federation. */
export async function subjectsOf(db: Executor, federation: Federation): Promise<Subject[]> {
  const subjects: Subject[] = [`federation/${federation.federationId}`];
  for (const { meshId, trustDomain } of federation.parties) {
    subjects.push(`mesh/${meshId}`, `trust-domain/${trustDomain}`);
    const owner = (await trustDomainNamed(db, trustDomain))?.owner;
    if (owner) subjects.push(`mesh/${owner}`);
  }
  return subjects;
}
