import { Refusal } from "../../errors.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { grant } from "./consent.ts";
import {
  consent,
  currentTerms,
  type Decided,
  type Federation,
  type Proposal,
  type ShownAuthorities,
  withConsents,
} from "./federation.ts";
import { type Direction, isNarrowedBy, makeTerms, termsDigest } from "./terms.ts";

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
    return grant(federation, meshId, open.terms, reason, now);
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
    revised: true,
  };
  if (agreement) return { federation: { ...federation, proposal, updatedAt: now }, changes: ["terms-proposed"] };
  const consents = federation.parties.map((party) =>
    party.meshId === meshId
      ? consent(meshId, "granted", terms, now, reason)
      : consent(party.meshId, "pending", terms, now, null),
  );
  return { federation: { ...withConsents(federation, consents, now), proposal }, changes: ["terms-proposed"] };
}
