import type { Work } from "../../store/unit-of-work.ts";
import { type EpochMs, toRfc3339 } from "../../time.ts";
import { audienceOf } from "../trust-domains/trust-domain.service.ts";
import { authoritiesExpiring, authorityExpiries } from "./authority.store.ts";

export { authorityExpiries };

/**
 * Says of each published CA that expired, after `from` and by `to`, that it did; the bundle drops it a day later. Of one
 * that nobody publishes any more there is nothing to say.
 */
export async function recordExpiredAuthorities(work: Work, from: EpochMs, to: EpochMs): Promise<void> {
  for (const { authorityId, trustDomain, authority } of await authoritiesExpiring(work.tx, from, to)) {
    if (authority.type !== "x509") continue;
    work.record({
      type: "authority.expired",
      subjects: [
        `authority/${authorityId}`,
        `trust-domain/${trustDomain}`,
        ...(await audienceOf(work.tx, trustDomain)),
      ],
      fields: { fingerprint: authority.fingerprint, notAfter: toRfc3339(authority.notAfter) },
    });
  }
}
