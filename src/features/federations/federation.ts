import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { type Direction, type Party, type Terms, termsDigest } from "./terms.ts";

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
  /** These are not the terms that were proposed first. */
  readonly revised?: true;
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

/**
 * What was said last on the federation, and why. A decline, a lifted veto or a narrowing leaves nothing that stands and could
 * carry its reason to the other side (docs/decisions/0014).
 */
export interface LastWord {
  readonly meshId: MeshId;
  readonly said: Said;
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
  /** Null when only an operator has proposed it; absent of what is older than this member. */
  readonly lastWord?: LastWord | null;
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

export const WORDS = [
  "proposed",
  "granted",
  "denied",
  "withdrawn",
  "vetoed",
  "veto-lifted",
  "terms-proposed",
  "terms-agreed",
  "terms-declined",
  "terms-narrowed",
] as const;
/** What a side, or an owner, can say. */
type Said = (typeof WORDS)[number];
export type FederationChange = Exclude<Said, "proposed">;

/** The federation after a change, and what the change was; `changes` is empty when it was so already. */
export interface Decided {
  readonly federation: Federation;
  readonly changes: readonly FederationChange[];
}

export const currentTerms = (federation: Federation): Terms => {
  const standing = federation.agreement ?? federation.proposal;
  if (!standing) throw new Error(`federation ${federation.federationId} has no terms`);
  return standing.terms;
};

export const hasExpired = (federation: Federation, now: EpochMs): boolean => {
  const { expiresAt } = currentTerms(federation);
  return expiresAt !== null && expiresAt <= now;
};

export const consentOf = (federation: Federation, meshId: MeshId): Consent | undefined =>
  federation.consents.find((consent) => consent.meshId === meshId);

/** What people have said of it: whether it is open depends on the clock and the parties too. The database derives the same. */
export type Standing = "open" | "vetoed" | "ended";

export function standingOf({ vetoes, consents }: Federation): Standing {
  if (vetoes.length > 0) return "vetoed";
  return consents.some(({ decision }) => decision === "withdrawn" || decision === "denied") ? "ended" : "open";
}

/** The state at `now`: derived from consents, vetoes and the clock, stored nowhere. */
export function stateOf(federation: Federation, facts: PartyFacts, now: EpochMs): FederationState {
  if (federation.consents.some(({ decision }) => decision === "withdrawn")) return "withdrawn";
  if (standingOf(federation) !== "open") return "denied";
  if (hasExpired(federation, now)) return "expired";
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
 * A new federation, proposed. The proposer's own consent is given with it unless an operator proposes for it: that is no
 * side's word, and its reason is none for the other side (docs/decisions/0014).
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
  const { terms, now } = asked;
  const proposedBy = asked.byOperator ? null : asked.proposer;
  const reason = proposedBy && asked.reason;
  const consents = terms.parties.map(({ meshId }) =>
    meshId === proposedBy
      ? consent(meshId, "granted", terms, now, reason)
      : consent(meshId, "pending", terms, now, null),
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
    lastWord: proposedBy && { meshId: proposedBy, said: "proposed", at: now, reason },
  };
}

export function consent(
  meshId: MeshId,
  decision: Consent["decision"],
  terms: Terms,
  at: EpochMs,
  reason: string | null,
): Consent {
  return { meshId, decision, termsDigest: decision === "pending" ? null : termsDigest(terms), at, reason };
}

export const withConsents = (federation: Federation, changed: readonly Consent[], now: EpochMs): Federation => ({
  ...federation,
  updatedAt: now,
  consents: federation.consents.map(
    (old) => changed.find((c) => c.meshId === old.meshId) ?? old,
  ) as unknown as readonly [Consent, Consent],
});
