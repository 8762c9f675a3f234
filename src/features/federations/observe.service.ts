import type { Executor } from "../../store/tables.ts";
import type { EpochMs } from "../../time.ts";
import { newestRevision } from "../bundles/bundle.service.ts";
import { heldSince } from "../deliveries/delivery.service.ts";
import { unrevokedPollersOf } from "../pollers/poller.service.ts";
import { canPoll } from "../pollers/poller.ts";
import { conditionsOf, type DirectionFacts, directionsOf, type ObservedFederation } from "./conditions.ts";
import { factsOf } from "./federation.service.ts";
import { type Federation, stateOf } from "./federation.ts";

/** What can be said of a federation at this moment. */
export async function observeFederation(
  db: Executor,
  federation: Federation,
  now: EpochMs,
): Promise<ObservedFederation> {
  const facts = await factsOf(db, federation);
  const state = stateOf(federation, facts, now);
  const directions = state === "active" ? await directionFacts(db, federation, now) : [];
  return { federation, state, conditions: conditionsOf(federation, facts, directions, now) };
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
