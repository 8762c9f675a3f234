import { unexpired } from "../../bundle/published.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { publishingContributions } from "../authorities/authority.service.ts";
import { publishedBy } from "../bundles/bundle.ts";
import type { ShownAuthorities } from "./federation.ts";
import type { Party } from "./terms.ts";

/** The fingerprints that each side publishes now, as both are shown them with a proposal (S20). */
export async function authoritiesShown({ tx, now }: Work, parties: readonly Party[]): Promise<ShownAuthorities> {
  const shown: Record<string, readonly string[]> = {};
  for (const { trustDomain } of parties) {
    // Not of the newest revision: the same unit of work may have brought authorities before.
    const published = unexpired(publishedBy(await publishingContributions(tx, trustDomain)), now);
    shown[trustDomain] = published.map(({ authority }) => authority.fingerprint).sort();
  }
  return shown;
}
