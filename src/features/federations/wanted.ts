import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { consentOf, type Federation, type FederationState, isOpen } from "./federation.ts";
import type { Direction, Terms } from "./terms.ts";

/** What a mesh wants of a federation with a peer, however often it says so. */
export interface Wanted {
  readonly meshId: MeshId;
  readonly trust: readonly Direction[];
  /** Undefined where any end, or none, will do. */
  readonly expiresAt: EpochMs | null | undefined;
}

/** A federation and the state that it is in at this moment. */
export interface StatedFederation {
  readonly federation: Federation;
  readonly state: FederationState;
}

/** The terms to which a mesh said yes last; undefined where it has not. */
export function termsSaid({ agreement, proposal }: Federation, meshId: MeshId): Terms | undefined {
  return proposal?.grantedBy.includes(meshId) ? proposal.terms : agreement?.terms;
}

export const peerOf = ({ parties: [a, b] }: Federation, meshId: MeshId): MeshId =>
  a.meshId === meshId ? b.meshId : a.meshId;

/** What brings the pair to what is wanted: `take-back` of a proposal of one's own that is not wanted any more. */
export type Step = "propose" | "grant" | "ask" | "take-back" | "nothing";

const fits = ({ trust, expiresAt }: Wanted, terms: Terms): boolean =>
  (expiresAt === undefined || expiresAt === terms.expiresAt) &&
  trust.length === terms.trust.length &&
  trust.every(({ consumer }) => terms.trust.some((direction) => direction.consumer === consumer));

/**
 * The next step of a mesh towards what it wants; none once it has said all that it can. It agrees to nothing that it
 * does not want, and beside agreed terms that fit it agrees to no others.
 * @param latest the pair's open federation, else the one that was made last; undefined where there was none
 */
export function stepTowards(wanted: Wanted, latest: StatedFederation | undefined, now: EpochMs): Step {
  if (!latest) return "propose";
  const { federation, state } = latest;
  if (!isOpen(state)) return isProposedAgain(wanted, federation, state, now) ? "propose" : "nothing";
  const { agreement, proposal } = federation;
  const isAgreed = agreement !== null && fits(wanted, agreement.terms);
  if (proposal?.grantedBy.includes(wanted.meshId)) {
    if (fits(wanted, proposal.terms)) return "nothing";
    return isAgreed ? "take-back" : "ask";
  }
  if (isAgreed) return "nothing";
  return proposal && fits(wanted, proposal.terms) ? "grant" : "ask";
}

/**
 * Of what ended: the word of the other side, of an owner or of an operator stands, or whoever says again and again what
 * it wants would propose without end. So does an end that was wanted.
 */
function isProposedAgain(wanted: Wanted, federation: Federation, state: FederationState, now: EpochMs): boolean {
  const isOver = (meshId: MeshId) => /^(?:denied|withdrawn)$/.test(consentOf(federation, meshId)?.decision ?? "");
  const { vetoes, parties } = federation;
  if (vetoes.length > 0) return false;
  if (parties.some(({ meshId }) => meshId !== wanted.meshId && isOver(meshId))) return false;
  if (state === "expired") return wanted.expiresAt == null || wanted.expiresAt > now;
  return isOver(wanted.meshId);
}
