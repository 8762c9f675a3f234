import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import { idsAmong } from "../../store/event.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { Scope } from "../access/role.ts";
import { isKnown, knownConsumers } from "../federations/peers.service.ts";
import { consumersOf } from "./bundle.store.ts";

/** What a unit of work changes for those who poll, as far as the caller may know of them (S21). */
export interface Effects {
  /** New revisions, with their refresh hint and the fingerprints that come and go, and which meshes would be served them. */
  readonly revisions: {
    readonly trustDomain: string;
    readonly refreshHintSeconds: number;
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly consumers: readonly string[];
  }[];
  /** Meshes that would gain or lose a bundle. */
  readonly access: { readonly meshId: string; readonly trustDomain: string; readonly change: string }[];
}

/** Of a unit of work that is settled. */
export async function effectsOf(work: Work, scope: Scope): Promise<Effects> {
  const effects: Effects = { revisions: [], access: [] };
  for (const { type, subjects, fields } of work.recorded) {
    const [name] = idsAmong(subjects, "trust-domain");
    const [, change] = type.split("bundle-access.");
    if (name === undefined || (type !== "bundle.revised" && change === undefined)) continue;
    const trustDomain = name as TrustDomain;
    // What follows elsewhere from a change is not for whoever made it (S21).
    if (!scope.all && work.causeOf(trustDomain) !== work.cause) continue;
    const known = await knownConsumers(work.tx, scope, trustDomain);
    if (change === undefined) {
      const { added, removed, refreshHintSeconds } = fields as unknown as RevisedFields;
      const consumers = (await consumersOf(work.tx, trustDomain)).filter((meshId) => isKnown(known, meshId));
      effects.revisions.push({ trustDomain, refreshHintSeconds, added, removed, consumers });
    } else {
      const consumers = idsAmong(subjects, "mesh").filter((meshId) => isKnown(known, meshId));
      effects.access.push(...consumers.map((meshId) => ({ meshId, trustDomain, change })));
    }
  }
  return effects;
}

/** Of a `bundle.revised`. */
type RevisedFields = Pick<Effects["revisions"][number], "added" | "removed" | "refreshHintSeconds">;
