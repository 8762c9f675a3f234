import type { EpochMs } from "../../time.ts";
import type { Held } from "../deliveries/delivery.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { currentTerms, type Federation, type FederationState, type PartyFacts, stateOf } from "./federation.ts";
import { bothDirections, type Direction } from "./terms.ts";

/** A fact about a federation in the Kubernetes manner. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: EpochMs;
}

/** A federation with what is derived from facts at the moment of asking. */
export interface ObservedFederation {
  readonly federation: Federation;
  readonly state: FederationState;
  readonly conditions: readonly Condition[];
}

/** What is known of the way of one bundle to its consumer. */
export interface DirectionFacts {
  readonly direction: Direction;
  /** Event-log position of the provider's newest revision and when it was published; null before the first. */
  readonly newest: { readonly position: number; readonly at: EpochMs } | null;
  /** The consumer's pollers that can poll, by ID. */
  readonly pollers: readonly string[];
  /** What they hold of the provider's bundle, each since its first fetch of that revision. */
  readonly deliveries: readonly Held[];
}

/**
 * What can be said of the federation at `now`, derived from facts alone: both consents, the owners' word, the
 * clock, and for each direction whether the consumer's pollers hold what the provider publishes.
 */
export function conditionsOf(
  federation: Federation,
  facts: PartyFacts,
  directions: readonly DirectionFacts[],
  now: EpochMs,
): Condition[] {
  const conditions = [
    consented(federation),
    accepted(federation, facts),
    unexpired(federation, now),
    ...(federation.agreement ? unsuspended(facts) : []),
  ];
  const state = stateOf(federation, facts, now);
  const since = Math.max(...conditions.map(({ lastTransitionTime }) => lastTransitionTime));
  const blocking = conditions.find(({ status }) => status === "False");
  conditions.push({
    type: "Active",
    status: state === "active" ? "True" : "False",
    reason: blocking?.reason ?? "Agreed",
    message: blocking?.message ?? "both sides have granted the terms",
    lastTransitionTime: since,
  });
  if (federation.proposal && federation.agreement) {
    conditions.push({
      type: "TermsProposed",
      status: "True",
      reason: "AwaitingConsent",
      message: `${federation.proposal.proposedBy ?? "an operator"} proposed other terms; the agreed ones hold until both have granted them`,
      lastTransitionTime: federation.proposal.at,
    });
  }
  conditions.push(exchange(federation, state === "active", since));
  if (state === "active") conditions.push(...directions.map((direction) => delivered(direction, since)));
  return conditions;
}

function consented({ consents, agreement, createdAt }: Federation): Condition {
  const missing = consents.find(({ decision }) => decision !== "granted");
  const broken = consents.filter(({ decision }) => decision !== "granted").map(({ at }) => at);
  // Both had granted once: false since the first took it back. Never: false from the beginning.
  const falseSince = agreement ? Math.min(...broken) : createdAt;
  const lastTransitionTime = missing ? falseSince : Math.max(...consents.map(({ at }) => at));
  if (!missing)
    return {
      type: "Consented",
      status: "True",
      reason: "BothGranted",
      message: "both sides have granted",
      lastTransitionTime,
    };
  const reason = { pending: "AwaitingConsent", denied: "Denied", withdrawn: "Withdrawn", granted: "BothGranted" }[
    missing.decision
  ];
  const verb = {
    pending: "has not decided yet",
    denied: "has denied",
    withdrawn: "has withdrawn",
    granted: "has granted",
  }[missing.decision];
  const why = missing.reason ? `: ${missing.reason}` : "";
  return { type: "Consented", status: "False", reason, message: `${missing.meshId} ${verb}${why}`, lastTransitionTime };
}

function accepted(federation: Federation, facts: PartyFacts): Condition {
  const type = "OwnersAccept";
  const veto = federation.vetoes.at(-1);
  if (veto) {
    const message = `the owner of ${veto.trustDomain} vetoes it${veto.reason ? `: ${veto.reason}` : ""}`;
    return { type, status: "False", reason: "Vetoed", message, lastTransitionTime: veto.at };
  }
  if (!facts.membersInGoodStanding) {
    const message = "a side is not a granted member of its trust domain, or is gone";
    return {
      type,
      status: "False",
      reason: "NotAMember",
      message,
      lastTransitionTime: facts.notMembersSince ?? federation.updatedAt,
    };
  }
  return {
    type,
    status: "True",
    reason: "NoVeto",
    message: "no owner of a side's trust domain vetoes it",
    lastTransitionTime: federation.vetoLiftedAt ?? federation.createdAt,
  };
}

/**
 * Where neither side ever was, nobody is told of it, nor is whoever only proposes to one that is (S21). The reason is the
 * suspended side's alone.
 */
function unsuspended({ suspended = [], suspensionEndedAt }: PartyFacts): Condition[] {
  const type = "Unsuspended";
  const [first] = suspended;
  if (first) {
    const who = suspended.map(({ meshId }) => meshId).join(" and ");
    const message = `the broker's operator has suspended ${who}: nothing is served across`;
    const since = Math.min(...suspended.map(({ at }) => at));
    return [{ type, status: "False", reason: "Suspended", message, lastTransitionTime: since }];
  }
  if (suspensionEndedAt === undefined) return [];
  const message = "neither side is suspended";
  return [{ type, status: "True", reason: "NotSuspended", message, lastTransitionTime: suspensionEndedAt }];
}

function unexpired(federation: Federation, now: EpochMs): Condition {
  const { expiresAt } = currentTerms(federation);
  const type = "Unexpired";
  const set = federation.renewedAt ?? federation.createdAt;
  if (expiresAt === null)
    return { type, status: "True", reason: "NoExpiry", message: "the terms have no end", lastTransitionTime: set };
  const end = new Date(expiresAt).toISOString();
  if (expiresAt > now)
    return { type, status: "True", reason: "InForce", message: `the terms end at ${end}`, lastTransitionTime: set };
  return {
    type,
    status: "False",
    reason: "Expired",
    message: `the terms ended at ${end}; agree on new ones`,
    lastTransitionTime: expiresAt,
  };
}

function exchange(federation: Federation, active: boolean, since: EpochMs): Condition {
  const [a, b] = federation.parties;
  const type = "BundlesExchanged";
  if (a.trustDomain === b.trustDomain) {
    const message = `both are members of ${a.trustDomain} and share its bundle: none is exchanged`;
    return { type, status: "False", reason: "SameTrustDomain", message, lastTransitionTime: since };
  }
  if (!active)
    return {
      type,
      status: "False",
      reason: "NotActive",
      message: "nothing is served across",
      lastTransitionTime: since,
    };
  const said =
    federation.agreement?.terms.trust.map(({ consumer, provider }) => `${consumer} trusts ${provider}`) ?? [];
  return { type, status: "True", reason: "Active", message: said.join(", "), lastTransitionTime: since };
}

/** By the ledger: `Unknown` where no poller of the consumer could have fetched anything. */
function delivered({ direction, newest, pollers, deliveries }: DirectionFacts, since: EpochMs): Condition {
  const { consumer, provider } = direction;
  const type = deliveredType(consumer);
  const of = (status: Condition["status"], reason: string, message: string, at: EpochMs) => ({
    type,
    status,
    reason,
    message,
    lastTransitionTime: at,
  });
  if (!newest) return of("Unknown", "NothingPublished", `${provider} has published nothing yet`, since);
  if (pollers.length === 0)
    return of("Unknown", "NoPoller", `${consumer} has no poller that could fetch ${provider}'s bundle`, since);
  const held = new Map(deliveries.map((delivery) => [delivery.pollerId, delivery]));
  const behind = pollers.filter((pollerId) => held.get(pollerId)?.revision !== newest.position);
  if (behind.length > 0) {
    return of(
      "False",
      "Behind",
      `${behind.length} of ${pollers.length} pollers of ${consumer} do not hold ${provider}'s newest revision`,
      Math.max(newest.at, since),
    );
  }
  const last = Math.max(since, ...pollers.map((pollerId) => held.get(pollerId)?.at ?? newest.at));
  return of("True", "Current", `every poller of ${consumer} holds ${provider}'s newest revision`, last);
}

/** `DeliveredTo.shop` for the mesh `shop`: unique, and a condition type by Kubernetes' grammar. */
const deliveredType = (consumer: MeshId): string => `DeliveredTo.${consumer}`;

/** The directions whose way is worth looking at. */
export const directionsOf = (federation: Federation): readonly Direction[] =>
  federation.agreement?.terms.trust ?? federation.proposal?.terms.trust ?? bothDirections(federation.parties);
