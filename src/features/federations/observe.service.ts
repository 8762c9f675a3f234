import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import { publishedSince } from "../authorities/proof.service.ts";
import { newestRevision } from "../bundles/bundle.service.ts";
import type { Revision } from "../bundles/bundle.ts";
import { heldSince } from "../deliveries/delivery.service.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { unrevokedPollersOf } from "../pollers/poller.service.ts";
import { canPoll } from "../pollers/poller.ts";
import { asShownCondition, type SinceShown } from "./as-shown.ts";
import { conditionsOf, type DirectionFacts, directionsOf, type ObservedFederation } from "./conditions.ts";
import { type Federation, type FederationState, type Proposal, stateOf } from "./federation.ts";
import { factsOf } from "./federation-facts.service.ts";
import { type ProvidedAuthority, provedCondition } from "./proved.ts";

/** What the federations of one page have in common, each read when it is first asked for and no second time. */
export interface Surroundings {
  readonly now: EpochMs;
  readonly newest: (trustDomain: TrustDomain) => Promise<Revision | undefined>;
  readonly published: (trustDomain: TrustDomain) => Promise<readonly ProvidedAuthority[]>;
  /** IDs of the pollers that can poll. */
  readonly pollers: (meshId: MeshId) => Promise<readonly string[]>;
}

export const surroundingsAt = (db: Executor, now: EpochMs): Surroundings => ({
  now,
  newest: onceEach((trustDomain) => newestRevision(db, trustDomain)),
  published: onceEach((trustDomain) => publishedSince(db, trustDomain)),
  pollers: onceEach(async (meshId) => {
    const pollers = await unrevokedPollersOf(db, meshId);
    return pollers.filter((poller) => canPoll(poller, now)).map(({ pollerId }) => pollerId);
  }),
});

function onceEach<Key, Found>(find: (key: Key) => Promise<Found>): (key: Key) => Promise<Found> {
  const found = new Map<Key, Promise<Found>>();
  return (key) => {
    const known = found.get(key) ?? find(key);
    found.set(key, known);
    return known;
  };
}

/** What can be said of a federation at this moment. */
export async function observeFederation(
  db: Executor,
  federation: Federation,
  around: Surroundings,
): Promise<ObservedFederation> {
  const { now } = around;
  const facts = await factsOf(db, federation);
  const state = stateOf(federation, facts, now);
  const directions = state === "active" ? await directionFacts(db, federation, around) : [];
  const conditions = conditionsOf(federation, facts, directions, now);
  const provided = await providedAuthorities(federation, state, around);
  if (provided) conditions.push(provedCondition(provided, federation.createdAt));
  const { proposal } = federation;
  if (provided && proposal && state === "pending") {
    const sides = await sidesSinceShown(proposal, federation.parties, around);
    if (sides.length > 0) conditions.push(asShownCondition(sides, proposal.at));
  }
  return { federation, state, conditions };
}

/** Of a first proposal, the sides that have consented to it and are to provide. */
async function sidesSinceShown(
  { terms, grantedBy, authorities, at }: Proposal,
  parties: Federation["parties"],
  around: Surroundings,
): Promise<SinceShown[]> {
  const providers = parties.filter(
    ({ meshId }) => grantedBy.includes(meshId) && terms.trust.some(({ provider }) => provider === meshId),
  );
  return Promise.all(
    providers.map(async ({ trustDomain }) => {
      const newest = await around.newest(trustDomain);
      return {
        trustDomain,
        shown: authorities[trustDomain] ?? [],
        published: newest?.fingerprints ?? [],
        at: newest?.at ?? at,
      };
    }),
  );
}

/**
 * What each side provides, or is to provide: what a peer is served; before the consent, of what it was shown with the
 * proposal, and no more of it (S20, S21). Undefined where nothing is exchanged.
 */
async function providedAuthorities(
  federation: Federation,
  state: FederationState,
  around: Surroundings,
): Promise<ProvidedAuthority[] | undefined> {
  const [a, b] = federation.parties;
  if (a.trustDomain === b.trustDomain || !["pending", "active"].includes(state)) return undefined;
  const all: ProvidedAuthority[] = [];
  for (const { provider } of directionsOf(federation)) {
    const { trustDomain } = provider === a.meshId ? a : b;
    const fingerprints =
      state === "active"
        ? (await around.newest(trustDomain))?.fingerprints
        : federation.proposal?.authorities[trustDomain];
    const shown = new Set(fingerprints);
    const published = await around.published(trustDomain);
    all.push(...published.filter(({ fingerprint }) => shown.has(fingerprint)));
  }
  return all;
}

async function directionFacts(db: Executor, federation: Federation, around: Surroundings): Promise<DirectionFacts[]> {
  const [a, b] = federation.parties;
  if (a.trustDomain === b.trustDomain) return [];
  const all: DirectionFacts[] = [];
  for (const direction of directionsOf(federation)) {
    const provided = (direction.provider === a.meshId ? a : b).trustDomain;
    const newest = (await around.newest(provided)) ?? null;
    const pollers = await around.pollers(direction.consumer);
    const deliveries = await heldSince(db, direction.consumer, provided);
    all.push({ direction, newest, pollers, deliveries });
  }
  return all;
}
