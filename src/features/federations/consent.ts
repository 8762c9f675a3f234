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
  type Proposal,
  withConsents,
} from "./federation.ts";
import { type Terms, termsDigest } from "./terms.ts";

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

/** The proposal that this side has not granted. */
const openTo = ({ proposal }: Federation, meshId: MeshId): Proposal | null =>
  proposal && !proposal.grantedBy.includes(meshId) ? proposal : null;

/** What this side can grant now: what is proposed to it, and beside that what is agreed; or again what it has granted. */
function grantableTerms(federation: Federation, meshId: MeshId, now: EpochMs): Terms[] {
  const open = openTo(federation, meshId);
  const standing = federation.agreement ?? (open ? null : federation.proposal);
  const all = [open, standing].flatMap((of) => (of ? [of.terms] : []));
  return all.filter(({ expiresAt }) => expiresAt === null || expiresAt > now);
}

/**
 * The terms that a grant is of. Without a digest it is good only where one set of terms can be meant (S20): whoever read
 * a proposal before it was changed, or only says again what is agreed, must not thereby grant what it never read.
 * @throws {Refusal} `terms-changed`, with the digests of what can be granted
 */
function termsToGrant(
  federation: Federation,
  meshId: MeshId,
  grantable: readonly Terms[],
  expectedDigest: string | null,
): Terms {
  const isOpen = openTo(federation, meshId) !== null;
  const isOneMeant = !isOpen || (federation.agreement === null && isAsMade(federation));
  const silent = isOneMeant ? grantable[0] : undefined;
  const meant = expectedDigest === null ? silent : grantable.find((terms) => termsDigest(terms) === expectedDigest);
  if (meant) return meant;
  const why = federation.agreement
    ? "others are proposed beside the agreed ones"
    : "they were changed since the proposal";
  throw termsChanged(
    expectedDigest === null ? `say which terms you grant: ${why}` : "the terms are not those that you read",
    grantable.map(termsDigest),
  );
}

/** Nobody has changed what was proposed first. Before `revised` was kept, the time of the proposal tells. */
const isAsMade = ({ proposal, createdAt }: Federation): boolean =>
  proposal !== null && !proposal.revised && proposal.at === createdAt;

const termsChanged = (detail: string, termsDigests: readonly string[]): Refusal =>
  new Refusal("terms-changed", detail, { pointer: "/termsDigest", extra: { termsDigests } });

/** What this side can decide now. */
export function possibleConsents(federation: Federation, meshId: MeshId, now: EpochMs): ConsentDecision[] {
  const mine = consentOf(federation, meshId)?.decision;
  const { agreement, proposal } = federation;
  const granted = proposal?.grantedBy.includes(meshId) ?? false;
  const possible: ConsentDecision[] = [];
  if (grantableTerms(federation, meshId, now).length > 0) possible.push("grant");
  if (agreement ? proposal : openTo(federation, meshId) && mine === "pending") possible.push("deny");
  if (mine === "granted" || granted) possible.push("withdraw");
  return possible;
}

/**
 * One side grants, denies or withdraws.
 * @param expectedDigest the terms that the caller means; null when it did not say
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
  const possible = possibleConsents(federation, meshId, now);
  const grantable = decision === "grant" ? grantableTerms(federation, meshId, now) : [];
  if (grantable.length > 0)
    return grant(federation, meshId, termsToGrant(federation, meshId, grantable, expectedDigest), reason, now);
  const digest = digestToDecide(federation, meshId, decision);
  if (expectedDigest !== null && expectedDigest !== digest)
    throw termsChanged("the terms are not those that you read", [digest]);
  if (decision === "grant" || !possible.includes(decision)) {
    throw new Refusal("federation-decision", `${meshId} cannot ${decision} this federation now`, {
      pointer: "/decision",
      extra: { possible },
    });
  }
  return decision === "deny" ? deny(federation, meshId, reason, now) : withdraw(federation, meshId, reason, now);
}

/** @param terms those of what is proposed to this side, or else those that stand */
export function grant(
  federation: Federation,
  meshId: MeshId,
  terms: Terms,
  reason: string | null,
  now: EpochMs,
): Decided {
  const proposal = openTo(federation, meshId);
  if (proposal?.terms !== terms) {
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
