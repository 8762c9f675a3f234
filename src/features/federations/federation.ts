import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { type Direction, isNarrowedBy, makeTerms, type Party, type Terms, termsDigest } from "./terms.ts";

/** What one side says to the federation. */
export interface Consent {
  readonly meshId: MeshId;
  readonly decision: "pending" | "granted" | "denied" | "withdrawn";
  /** Of the terms it was given for; null while pending. */
  readonly termsDigest: string | null;
  readonly at: EpochMs;
  readonly reason: string | null;
}

/** Fingerprints of each side's published authorities, as both were shown them with the proposal (S20). */
export type ShownAuthorities = Readonly<Record<string, readonly string[]>>;

/** Terms that not both sides have granted yet. */
export interface Proposal {
  readonly terms: Terms;
  /** Null when an operator proposed it, which consents for nobody. */
  readonly proposedBy: MeshId | null;
  readonly grantedBy: readonly MeshId[];
  readonly authorities: ShownAuthorities;
  readonly at: EpochMs;
  readonly reason: string | null;
}

/** Terms that both sides granted: in force until their successor is agreed (decision 10). */
export interface Agreement {
  readonly terms: Terms;
  readonly authorities: ShownAuthorities;
  readonly at: EpochMs;
}

/** The owner of a member's trust domain refuses this federation of the member. */
export interface Veto {
  readonly trustDomain: TrustDomain;
  readonly owner: MeshId;
  readonly at: EpochMs;
  readonly reason: string | null;
}

export interface Federation {
  readonly federationId: string;
  readonly parties: readonly [Party, Party];
  readonly proposer: MeshId;
  readonly createdAt: EpochMs;
  readonly updatedAt: EpochMs;
  readonly agreement: Agreement | null;
  readonly proposal: Proposal | null;
  readonly consents: readonly [Consent, Consent];
  readonly vetoes: readonly Veto[];
  readonly vetoLiftedAt: EpochMs | null;
  /** When new terms were agreed after others had expired. */
  readonly renewedAt: EpochMs | null;
}

/** `suspended`: it would be active, but an operator has suspended a side. */
export type FederationState = "pending" | "active" | "suspended" | "denied" | "withdrawn" | "expired";

/** Facts about the parties that the federation does not hold itself. */
export interface PartyFacts {
  /** Both are granted members of their trust domains, and neither is deleted. */
  readonly membersInGoodStanding: boolean;
  /** When the owner of a trust domain last ended that; absent where nobody did. */
  readonly notMembersSince?: EpochMs;
  /** Sides that an operator has suspended, and since when. */
  readonly suspended?: readonly { readonly meshId: MeshId; readonly at: EpochMs }[];
  /** When a side's suspension last ended; absent where there was none. */
  readonly suspensionEndedAt?: EpochMs;
}

export const currentTerms = (federation: Federation): Terms => {
  const standing = federation.agreement ?? federation.proposal;
  if (!standing) throw new Error(`federation ${federation.federationId} has no terms`);
  return standing.terms;
};

const hasExpired = (federation: Federation, now: EpochMs): boolean => {
  const { expiresAt } = currentTerms(federation);
  return expiresAt !== null && expiresAt <= now;
};

export const consentOf = (federation: Federation, meshId: MeshId): Consent | undefined =>
  federation.consents.find((consent) => consent.meshId === meshId);

/** The state at `now`: derived from consents, vetoes and the clock, stored nowhere. */
export function stateOf(federation: Federation, facts: PartyFacts, now: EpochMs): FederationState {
  const said = (decision: Consent["decision"]) => federation.consents.some((consent) => consent.decision === decision);
  const { expiresAt } = currentTerms(federation);
  if (said("withdrawn")) return "withdrawn";
  if (said("denied") || federation.vetoes.length > 0) return "denied";
  if (expiresAt !== null && expiresAt <= now) return "expired";
  if (!facts.membersInGoodStanding) return "denied";
  const agreed = federation.agreement && federation.consents.every(({ decision }) => decision === "granted");
  if (!agreed) return "pending";
  return (facts.suspended ?? []).length > 0 ? "suspended" : "active";
}

/** An open federation is the pair's only one. */
export const isOpen = (state: FederationState): boolean =>
  state === "pending" || state === "active" || state === "suspended";

/** Who is served whose bundle at `now`: nothing before both have granted, nor after one withdrew or all expired. */
export const directionsServed = (federation: Federation, facts: PartyFacts, now: EpochMs): readonly Direction[] =>
  stateOf(federation, facts, now) === "active" ? (federation.agreement?.terms.trust ?? []) : [];

/**
 * A new federation, proposed. The proposer's own consent is given with it unless an operator proposes for it.
 */
export function proposeFederation(asked: {
  federationId: string;
  terms: Terms;
  proposer: MeshId;
  byOperator: boolean;
  authorities: ShownAuthorities;
  reason: string | null;
  now: EpochMs;
}): Federation {
  const { terms, now, reason } = asked;
  const proposedBy = asked.byOperator ? null : asked.proposer;
  const consents = terms.parties.map(({ meshId }) =>
    consent(meshId, meshId === proposedBy ? "granted" : "pending", terms, now, null),
  );
  return {
    federationId: asked.federationId,
    parties: terms.parties,
    proposer: asked.proposer,
    createdAt: now,
    updatedAt: now,
    agreement: null,
    proposal: {
      terms,
      proposedBy,
      grantedBy: proposedBy ? [proposedBy] : [],
      authorities: asked.authorities,
      at: now,
      reason,
    },
    consents: consents as unknown as readonly [Consent, Consent],
    vetoes: [],
    vetoLiftedAt: null,
    renewedAt: null,
  };
}

export const CONSENT_DECISIONS = ["grant", "deny", "withdraw"] as const;
export type ConsentDecision = (typeof CONSENT_DECISIONS)[number];

export type FederationChange =
  | "granted"
  | "denied"
  | "withdrawn"
  | "vetoed"
  | "veto-lifted"
  | "terms-proposed"
  | "terms-agreed"
  | "terms-declined"
  | "terms-narrowed";

/** The federation after a change, and what the change was; `changes` is empty when it was so already. */
export interface Decided {
  readonly federation: Federation;
  readonly changes: readonly FederationChange[];
}

/**
 * The digest of the terms that this side would decide on now: a grant is of the proposal unless it granted that
 * already, a denial of whatever is proposed, a withdrawal of what is agreed.
 */
export function digestToDecide(federation: Federation, meshId: MeshId, decision: ConsentDecision): string {
  const { proposal } = federation;
  const ofProposal =
    proposal && (decision === "deny" || (decision === "grant" && !proposal.grantedBy.includes(meshId)));
  return termsDigest(ofProposal ? proposal.terms : currentTerms(federation));
}

/** What this side can decide now. */
export function possibleConsents(federation: Federation, meshId: MeshId, now: EpochMs): ConsentDecision[] {
  const mine = consentOf(federation, meshId)?.decision;
  const { agreement, proposal } = federation;
  const granted = proposal?.grantedBy.includes(meshId) ?? false;
  const toDecide = proposal && !granted ? proposal.terms : null;
  const standing = toDecide ?? currentTerms(federation);
  const live = standing.expiresAt === null || standing.expiresAt > now;
  const possible: ConsentDecision[] = [];
  if (live && (toDecide || mine !== "pending")) possible.push("grant");
  if (agreement ? proposal : toDecide && mine === "pending") possible.push("deny");
  if (mine === "granted" || granted) possible.push("withdraw");
  return possible;
}

/**
 * One side grants, denies or withdraws.
 * @param expectedDigest the terms that the caller read; null when it did not say
 * @throws {Refusal} `terms-changed`, `federation-decision`
 */
export function decideConsent(
  federation: Federation,
  meshId: MeshId,
  decision: ConsentDecision,
  expectedDigest: string | null,
  reason: string | null,
  now: EpochMs,
): Decided {
  const digest = digestToDecide(federation, meshId, decision);
  if (expectedDigest !== null && expectedDigest !== digest) {
    throw new Refusal("terms-changed", "the terms are not those that you read", {
      pointer: "/termsDigest",
      extra: { termsDigest: digest },
    });
  }
  const possible = possibleConsents(federation, meshId, now);
  if (!possible.includes(decision)) {
    throw new Refusal("federation-decision", `${meshId} cannot ${decision} this federation now`, {
      pointer: "/decision",
      extra: { possible },
    });
  }
  if (decision === "grant") return grant(federation, meshId, reason, now);
  if (decision === "deny") return deny(federation, meshId, reason, now);
  return withdraw(federation, meshId, reason, now);
}

function grant(federation: Federation, meshId: MeshId, reason: string | null, now: EpochMs): Decided {
  const { proposal } = federation;
  if (!proposal || proposal.grantedBy.includes(meshId)) {
    if (consentOf(federation, meshId)?.decision === "granted") return { federation, changes: [] };
    return {
      federation: {
        ...withConsents(federation, [consent(meshId, "granted", currentTerms(federation), now, reason)], now),
      },
      changes: ["granted"],
    };
  }
  const grantedBy = [...proposal.grantedBy, meshId];
  const granted = consent(meshId, "granted", proposal.terms, now, reason);
  if (grantedBy.length < 2) {
    return {
      federation: {
        ...withConsents(federation, federation.agreement ? [] : [granted], now),
        proposal: { ...proposal, grantedBy },
      },
      changes: ["granted"],
    };
  }
  const other = grantedBy.find((id) => id !== meshId) as MeshId;
  const otherConsent = consentOf(federation, other);
  const consents = [
    granted,
    otherConsent?.decision === "granted" && otherConsent.termsDigest === granted.termsDigest
      ? otherConsent
      : consent(other, "granted", proposal.terms, proposal.at, proposal.reason),
  ];
  return {
    federation: {
      ...withConsents(federation, consents, now),
      renewedAt: hasExpired(federation, now) ? now : federation.renewedAt,
      agreement: { terms: proposal.terms, authorities: proposal.authorities, at: now },
      proposal: null,
    },
    changes: ["granted", "terms-agreed"],
  };
}

/** Beside agreed terms a denial is of the proposal alone, by either side: the one that made it takes it back. */
function deny(federation: Federation, meshId: MeshId, reason: string | null, now: EpochMs): Decided {
  if (federation.agreement)
    return { federation: { ...federation, proposal: null, updatedAt: now }, changes: ["terms-declined"] };
  return {
    federation: withConsents(federation, [consent(meshId, "denied", currentTerms(federation), now, reason)], now),
    changes: ["denied"],
  };
}

/** Withdrawal ends what was agreed and takes back what was proposed beside it. */
function withdraw(federation: Federation, meshId: MeshId, reason: string | null, now: EpochMs): Decided {
  const after = withConsents(federation, [consent(meshId, "withdrawn", currentTerms(federation), now, reason)], now);
  const { proposal } = federation;
  if (federation.agreement) return { federation: { ...after, proposal: null }, changes: ["withdrawn"] };
  const grantedBy = proposal?.grantedBy.filter((id) => id !== meshId) ?? [];
  return { federation: { ...after, proposal: proposal && { ...proposal, grantedBy } }, changes: ["withdrawn"] };
}

/**
 * Other terms, asked by one side. What narrows its own side takes effect at once; what the other side has proposed
 * already is thereby granted; anything else becomes a proposal beside the agreed terms, which stay in force until both
 * have granted it (decision 10). Either takes the place of what
 * this side proposed before, so that the other cannot grant an older and wider word of it.
 * @throws {Refusal} `invalid-terms`, `terms-unchanged`
 */
export function changeTerms(
  federation: Federation,
  asked: {
    meshId: MeshId;
    trust: readonly Direction[] | undefined;
    expiresAt: EpochMs | null | undefined;
    authorities: ShownAuthorities;
    reason: string | null;
    now: EpochMs;
  },
): Decided {
  const { meshId, now, reason } = asked;
  const base = currentTerms(federation);
  const expiresAt = asked.expiresAt === undefined ? base.expiresAt : asked.expiresAt;
  const terms = makeTerms(federation.parties, asked.trust ?? base.trust, expiresAt, now);
  const { agreement, proposal: open } = federation;
  if (open && !open.grantedBy.includes(meshId) && termsDigest(open.terms) === termsDigest(terms)) {
    return grant(federation, meshId, reason, now);
  }
  if (termsDigest(terms) === termsDigest(base)) throw new Refusal("terms-unchanged", "these are the terms already");
  if (agreement && isNarrowedBy(meshId, agreement.terms, terms)) {
    const others = federation.proposal?.grantedBy.includes(meshId) ? null : federation.proposal;
    return {
      federation: { ...withConsents(federation, [], now), agreement: { ...agreement, terms }, proposal: others },
      changes: ["terms-narrowed"],
    };
  }
  const proposal: Proposal = {
    terms,
    proposedBy: meshId,
    grantedBy: [meshId],
    authorities: asked.authorities,
    at: now,
    reason,
  };
  if (agreement) return { federation: { ...federation, proposal, updatedAt: now }, changes: ["terms-proposed"] };
  const consents = federation.parties.map((party) =>
    consent(party.meshId, party.meshId === meshId ? "granted" : "pending", terms, now, reason),
  );
  return { federation: { ...withConsents(federation, consents, now), proposal }, changes: ["terms-proposed"] };
}

/**
 * The owner of a party's trust domain refuses the federation (`deny`, `withdraw`) or allows it again (`grant`).
 */
export function decideVeto(
  federation: Federation,
  veto: { trustDomain: TrustDomain; owner: MeshId },
  decision: ConsentDecision,
  reason: string | null,
  now: EpochMs,
): Decided {
  const others = federation.vetoes.filter((v) => v.trustDomain !== veto.trustDomain);
  const stood = others.length < federation.vetoes.length;
  if (decision === "grant") {
    return stood
      ? { federation: { ...federation, vetoes: others, vetoLiftedAt: now, updatedAt: now }, changes: ["veto-lifted"] }
      : { federation, changes: [] };
  }
  if (stood) return { federation, changes: [] };
  return {
    federation: { ...federation, vetoes: [...others, { ...veto, at: now, reason }], updatedAt: now },
    changes: ["vetoed"],
  };
}

function consent(
  meshId: MeshId,
  decision: Consent["decision"],
  terms: Terms,
  at: EpochMs,
  reason: string | null,
): Consent {
  return { meshId, decision, termsDigest: decision === "pending" ? null : termsDigest(terms), at, reason };
}

const withConsents = (federation: Federation, changed: readonly Consent[], now: EpochMs): Federation => ({
  ...federation,
  updatedAt: now,
  consents: federation.consents.map(
    (old) => changed.find((c) => c.meshId === old.meshId) ?? old,
  ) as unknown as readonly [Consent, Consent],
});
