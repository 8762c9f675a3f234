import type { Executor } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import { publishedSince } from "../authorities/proof.service.ts";
import { newestRevision } from "../bundles/bundle.service.ts";
import { heldSince } from "../deliveries/delivery.service.ts";
import { unrevokedPollersOf } from "../pollers/poller.service.ts";
import { canPoll } from "../pollers/poller.ts";
import { conditionsOf, type DirectionFacts, directionsOf, type ObservedFederation } from "./conditions.ts";
import { type Federation, type FederationState, stateOf } from "./federation.ts";
import { factsOf } from "./federation-facts.service.ts";
import { type ProvidedAuthority, provedCondition } from "./proved.ts";

/** What can be said of a federation at this moment. */
export async function observeFederation(
  db: Executor,
  federation: Federation,
  now: EpochMs,
): Promise<ObservedFederation> {
  const facts = await factsOf(db, federation);
  const state = stateOf(federation, facts, now);
  const directions = state === "active" ? await directionFacts(db, federation, now) : [];
  const conditions = conditionsOf(federation, facts, directions, now);
  const provided = await providedAuthorities(db, federation, state);
  if (provided) conditions.push(provedCondition(provided, federation.createdAt));
  return { federation, state, conditions };
}

/**
 * What each side provides, or is to provide: what a peer is served; before the consent, of what it was shown with the
 * proposal, and no more of it (S20, S21). Undefined where nothing is exchanged.
 */
async function providedAuthorities(
  db: Executor,
  federation: Federation,
  state: FederationState,
): Promise<ProvidedAuthority[] | undefined> {
  const [a, b] = federation.parties;
  if (a.trustDomain === b.trustDomain || !["pending", "active"].includes(state)) return undefined;
  const all: ProvidedAuthority[] = [];
  for (const { provider } of directionsOf(federation)) {
    const { trustDomain } = provider === a.meshId ? a : b;
    const fingerprints =
      state === "active"
        ? (await newestRevision(db, trustDomain))?.fingerprints
        : federation.proposal?.authorities[trustDomain];
    const shown = new Set(fingerprints);
    const published = await publishedSince(db, trustDomain);
    all.push(...published.filter(({ fingerprint }) => shown.has(fingerprint)));
  }
  return all;
}

async function directionFacts(db: Executor, federation: Federation, now: EpochMs): Promise<DirectionFacts[]> {
  const [a, b] = federation.parties;
  if (a.trustDomain === b.trustDomain) return [];
  const all: DirectionFacts[] = [];
  for (const direction of directionsOf(federation)) {
    const provided = (direction.provider === a.meshId ? a : b).trustDomain;
    const newest = (await newestRevision(db, provided)) ?? null;
    const pollers = (await unrevokedPollersOf(db, direction.consumer)).filter((poller) => canPoll(poller, now));
    const deliveries = await heldSince(db, direction.consumer, provided);
    all.push({ direction, newest, pollers: pollers.map(({ pollerId }) => pollerId), deliveries });
  }
  return all;
}
