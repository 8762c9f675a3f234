import { Refusal } from "../../errors.ts";
import type { Authority } from "../../pki/authority.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";

/** What brings authorities into a trust domain: a mesh that registers them, or the broker for its own domain. */
export interface Source {
  readonly kind: "mesh" | "broker";
  readonly id: string;
}

export const CONTRIBUTION_STATES = ["claimed", "prepared", "active", "retiring", "retired"] as const;
/**
 * `claimed`: of a key that another trust domain holds; not published, and not held, before it is proved. `prepared`:
 * published, not signing yet. `retiring`: published, signs no more. `retired`: not published.
 */
export type ContributionState = (typeof CONTRIBUTION_STATES)[number];

/** An authority as a trust domain knows it. `revokedAt` overrides every contribution, now and later. */
export interface KnownAuthority {
  readonly authorityId: string;
  readonly trustDomain: TrustDomain;
  readonly authority: Authority;
  readonly createdAt: EpochMs;
  readonly revokedAt: EpochMs | null;
  readonly revokedReason: string | null;
}

/** That a source brings an authority, in a state. */
export interface Contribution {
  readonly known: KnownAuthority;
  readonly source: Source;
  readonly state: ContributionState;
  readonly createdAt: EpochMs;
  readonly changedAt: EpochMs;
  readonly reason: string | null;
  /** When the source first proved that it holds the key; null for never. */
  readonly provedAt: EpochMs | null;
}

/** What a caller sees as the state: revocation hides the contribution's own. */
export type ShownState = ContributionState | "revoked";
export const shownState = (contribution: Contribution): ShownState =>
  contribution.known.revokedAt === null ? contribution.state : "revoked";

const FOLLOWS: Record<ShownState, readonly ShownState[]> = {
  // A proof alone makes it prepared. Retired it would hold the key, which nobody has shown.
  claimed: ["revoked"],
  prepared: ["active", "retired", "revoked"],
  active: ["retiring", "revoked"],
  retiring: ["active", "retired", "revoked"],
  retired: ["revoked"],
  revoked: [],
};

/** Of an authority that is not revoked. */
export const PUBLISHING_STATES: readonly ContributionState[] = ["prepared", "active", "retiring"];

/** Whether a contribution in this state publishes its authority. */
export const isPublishing = (state: ShownState): boolean => state !== "revoked" && PUBLISHING_STATES.includes(state);

/**
 * That the state may change so.
 * @throws {Refusal} `impossible-transition`, with the possible ones in `possible`
 */
export function checkTransition(from: ShownState, to: ShownState): void {
  const possible = FOLLOWS[from];
  if (possible.includes(to)) return;
  const next = possible.length > 0 ? `can become ${possible.join(" or ")}` : "cannot change any more";
  throw new Refusal("impossible-transition", `an authority that is ${from} ${next}, not ${to}`, {
    pointer: "/to",
    extra: { possible },
  });
}
