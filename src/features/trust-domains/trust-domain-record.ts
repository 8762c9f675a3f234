import { Refusal } from "../../errors.ts";
import type { Warning } from "../../pki/authority.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import type { MembershipState } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";

/** A trust domain as a resource: who owns it and how its bundle is served. */
export interface TrustDomainRecord {
  readonly name: TrustDomain;
  /** The mesh that registered it first; null for the broker's own, and for one that was given back. */
  readonly owner: MeshId | null;
  readonly refreshHintSeconds: number;
  /** Anybody may fetch the bundle under /bundles/{trustDomain}. */
  readonly public: boolean;
  readonly createdAt: EpochMs;
  readonly updatedAt: EpochMs;
  /** When its last mesh gave it back; only an operator registers it again. */
  readonly freedAt: EpochMs | null;
  /**
   * Event-log position of its registration after an earlier owner gave it back; null where there was none. What is older is
   * not its members' to know (S21).
   */
  readonly ownedSince: number | null;
  /** Event-log position of the newest revision; null before the first. */
  readonly revisionPosition: number | null;
}

export interface Membership {
  readonly meshId: MeshId;
  readonly trustDomain: TrustDomain;
  readonly state: MembershipState;
  readonly requestedAt: EpochMs;
  readonly decidedAt: EpochMs | null;
  readonly reason: string | null;
}

/**
 * Until the owner's grant a mesh publishes nothing in its trust domain, federates with nobody and takes nothing over (S19).
 * @throws {Refusal} `membership-pending`
 */
export function requireGranted(
  { meshId, state, trustDomain }: Pick<Membership, "meshId" | "state" | "trustDomain">,
  pointer?: string,
): void {
  if (state !== "granted")
    throw new Refusal("membership-pending", `${meshId} is ${state} in ${trustDomain}`, pointer ? { pointer } : {});
}

const AT_TRUST_DOMAIN = { pointer: "/trustDomain" };

/**
 * @throws {Refusal} `trust-domain-reserved`: nobody registers the broker's own, nor what no URL can hold: clients take `.` and
 * `..` out of a path before they send it (RFC 3986, 5.2.4)
 */
export function requireNotReserved(name: TrustDomain, brokerTrustDomain: TrustDomain): void {
  if (/^\.{1,2}$/.test(name))
    throw new Refusal("trust-domain-reserved", `no URL arrives that has "${name}" in its path`, AT_TRUST_DOMAIN);
  if (name === brokerTrustDomain)
    throw new Refusal("trust-domain-reserved", `${name} is the broker's own`, AT_TRUST_DOMAIN);
}

/** @throws {Refusal} `trust-domain-freed`: an invitation does not bring back what its owner gave back */
export function requireNotFreed(record: TrustDomainRecord | undefined): void {
  if (record && record.freedAt !== null)
    throw new Refusal("trust-domain-freed", `${record.name} was given back by its owner`, AT_TRUST_DOMAIN);
}

/** What the owner should know of a hint that is taken. */
export const hintWarnings = (refreshHintSeconds: number): Warning[] =>
  refreshHintSeconds < 60
    ? [
        {
          code: "short-refresh-hint",
          message: "SPIRE polls once a minute at most; istiod every 30 minutes",
          pointer: "/refreshHintSeconds",
        },
      ]
    : [];

export const MEMBERSHIP_DECISIONS = ["grant", "deny", "expel"] as const;
export type MembershipDecision = (typeof MEMBERSHIP_DECISIONS)[number];

const OUTCOME = {
  grant: { from: ["pending", "denied", "expelled"], to: "granted" },
  deny: { from: ["pending"], to: "denied" },
  expel: { from: ["granted"], to: "expelled" },
} as const satisfies Record<MembershipDecision, { from: readonly MembershipState[]; to: MembershipState }>;

/** What the owner's admin can decide of a membership in this state. */
export const possibleDecisions = (state: MembershipState): MembershipDecision[] =>
  MEMBERSHIP_DECISIONS.filter((decision) => (OUTCOME[decision].from as readonly MembershipState[]).includes(state));

/**
 * The membership after the owner's decision.
 * @throws {Refusal} `membership-decision`: it does not follow from the state, or is about the owner itself
 */
export function decideMembership(
  membership: Membership,
  owner: MeshId | null,
  decision: MembershipDecision,
  reason: string | null,
  now: EpochMs,
): Membership {
  const possible = membership.meshId === owner ? [] : possibleDecisions(membership.state);
  if (!possible.includes(decision)) {
    throw new Refusal(
      "membership-decision",
      `${membership.meshId} is ${membership.state}; ${decision} is not possible`,
      {
        pointer: "/decision",
        extra: { possible },
      },
    );
  }
  return { ...membership, state: OUTCOME[decision].to, decidedAt: now, reason };
}

export const notTheOwner = (trustDomain: TrustDomain): Refusal =>
  new Refusal("not-the-owner", `only the owner's admin decides this of ${trustDomain}`);
