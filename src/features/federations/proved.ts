import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import type { Condition } from "./conditions.ts";

/** An authority that a side provides, and since when one who brings it has proved to hold its key. */
export interface ProvidedAuthority {
  readonly trustDomain: TrustDomain;
  readonly fingerprint: string;
  readonly createdAt: EpochMs;
  readonly provedAt: EpochMs | null;
}

/** Fingerprints that a message names; of more it gives the number. */
const MOST_NAMED = 5;

/** Whether every authority that the sides provide is proved: a CA certificate is public, and anybody could upload it. */
export function provedCondition(provided: readonly ProvidedAuthority[], since: EpochMs): Condition {
  const at = (times: readonly EpochMs[]) => Math.max(since, ...times);
  const condition = (status: Condition["status"], reason: string, message: string, lastTransitionTime: EpochMs) => ({
    type: "Proved",
    status,
    reason,
    message,
    lastTransitionTime,
  });
  if (provided.length === 0) return condition("Unknown", "NothingPublished", "there is no authority to prove", since);
  const unproved = provided.filter(({ provedAt }) => provedAt === null);
  if (unproved.length === 0) {
    const times = provided.map(({ provedAt }) => provedAt ?? since);
    return condition("True", "AllProved", "the key of every authority is proved", at(times));
  }
  const first = Math.min(...unproved.map(({ createdAt }) => createdAt));
  return condition("False", "SomeUnproved", `${sentences(unproved)} (of ${provided.length})`, at([first]));
}

function sentences(unproved: readonly ProvidedAuthority[]): string {
  const domains = [...new Set(unproved.map(({ trustDomain }) => trustDomain))].sort();
  return domains
    .map((trustDomain) => {
      const fingerprints = unproved.filter((one) => one.trustDomain === trustDomain).map((one) => one.fingerprint);
      return `${fingerprints.length} of ${trustDomain} not proved: ${someOf(fingerprints)}`;
    })
    .join("; ");
}

/** Fingerprints as a message names them. */
export function someOf(fingerprints: readonly string[]): string {
  const named = fingerprints.toSorted().slice(0, MOST_NAMED).join(", ");
  return fingerprints.length > MOST_NAMED ? `${named} and ${fingerprints.length - MOST_NAMED} more` : named;
}
