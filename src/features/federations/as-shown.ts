import { revisionDifference } from "../../bundle/revision-difference.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import type { Condition } from "./conditions.ts";
import { someOf } from "./proved.ts";

/** What a side publishes, beside what a proposal shows of it. */
export interface SinceShown {
  readonly trustDomain: TrustDomain;
  /** Fingerprints. */
  readonly shown: readonly string[];
  readonly published: readonly string[];
  /** When the newest of it was published. */
  readonly at: EpochMs;
}

/**
 * Whether the proposal shows what would be served: whoever grants is served what is published then, and compared what was
 * (S20).
 * @param sides those that have consented, and provide; of the other nothing is told before its own word (S21)
 */
export function asShownCondition(sides: readonly SinceShown[], proposedAt: EpochMs): Condition {
  const type = "AuthoritiesAsShown";
  const changed = sides.flatMap((side) => {
    const { added, removed } = revisionDifference(side.shown.map(fingerprinted), side.published.map(fingerprinted));
    const more = added.length > 0 ? [`publishes ${someOf(added)} besides`] : [];
    const less = removed.length > 0 ? [`publishes ${someOf(removed)} no more`] : [];
    const said = [...more, ...less].join(", and ");
    return said === "" ? [] : [{ said: `${side.trustDomain} ${said}`, at: side.at }];
  });
  if (changed.length === 0) {
    const message = "the authorities are those that the proposal shows";
    return { type, status: "True", reason: "Unchanged", message, lastTransitionTime: proposedAt };
  }
  const message = `since the proposal ${changed.map(({ said }) => said).join("; ")}: compare these before you grant`;
  const lastTransitionTime = Math.max(proposedAt, ...changed.map(({ at }) => at));
  return { type, status: "False", reason: "ChangedSince", message, lastTransitionTime };
}

const fingerprinted = (fingerprint: string) => ({ fingerprint });
