import type { Work } from "../../store/unit-of-work.ts";
import { type EpochMs, toRfc3339OrNull } from "../../time.ts";
import { federationExpiries, federationsExpiring } from "./federation.store.ts";
import { currentTerms, stateOf } from "./federation.ts";
import { factsOf } from "./federation-facts.service.ts";
import { termsDigest } from "./terms.ts";
import { concernedBy } from "./visible-federation.service.ts";

export { federationExpiries };

/** Says of each federation that the clock ended, after `from` and by `to`, that it did: not of one that had ended before. */
export async function recordExpiredFederations(work: Work, from: EpochMs, to: EpochMs): Promise<void> {
  for (const federation of await federationsExpiring(work.tx, from, to)) {
    if (stateOf(federation, await factsOf(work.tx, federation), work.now) !== "expired") continue;
    const terms = currentTerms(federation);
    work.record({
      type: "federation.expired",
      ...(await concernedBy(work.tx, federation)),
      fields: { termsDigest: termsDigest(terms), expiresAt: toRfc3339OrNull(terms.expiresAt) },
    });
  }
}
