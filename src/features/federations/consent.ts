import { Refusal } from "../../errors.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import {
  consent,
  consentOf,
  currentTerms,
  type Decided,
  type Federation,
  hasExpired,
  withConsents,
} from "./federation.ts";
import { termsDigest } from "./terms.ts";

export const CONSENT_DECISIONS = ["grant", "deny", "withdraw"] as const;
export type ConsentDecision = (typeof CONSENT_DECISIONS)[number];

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

export function grant(federation: Federation, meshId: MeshId, reason: string | null, now: EpochMs): Decided {
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
