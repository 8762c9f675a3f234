import { dropAtOf, kindLost, type PublishedAuthority, unexpired } from "../../bundle/published.ts";
import { Refusal } from "../../errors.ts";
import type { Authority } from "../../pki/authority.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import { type Contribution, isPublishing, shownState } from "../authorities/contribution.ts";
import type { MeshId } from "../meshes/mesh-id.ts";

/** One immutable version of what a trust domain publishes. */
export interface Revision {
  readonly trustDomain: TrustDomain;
  /** Event-log position of the change; the low part of the sequence. */
  readonly position: number;
  readonly sequence: number;
  /** SHA-256 over keys and hint, not the sequence. */
  readonly digest: string;
  readonly refreshHintSeconds: number;
  readonly lastModifiedSeconds: number;
  readonly fingerprints: readonly string[];
  readonly at: EpochMs;
  /** The event that made it necessary. */
  readonly cause: string;
  readonly actor: string;
  /** On whose behalf; null for an operator's or the broker's own act. */
  readonly actingMesh: string | null;
  readonly reason: string | null;
}

/** As whom somebody reads revisions: one of the trust domain's own, an operator or auditor, or a peer that is served it. */
export interface RevisionReader {
  /** Of older revisions it reads what a peer does: 0 for a member, infinite for a peer. */
  readonly whoAndWhyAfter: number;
}

/** What one consumer mesh may see of one trust domain, as last recorded. */
export interface BundleAccess {
  readonly meshId: MeshId;
  readonly trustDomain: TrustDomain;
  readonly state: "granted" | "withdrawn";
  /** Position of the re-grant, withdrawal or change of what is distrusted; 0 for a first grant, which sees what all see. */
  readonly position: number;
  readonly lastModifiedSeconds: number;
  /** When the grant ends by the clock; null for never, and when withdrawn. */
  readonly until: EpochMs | null;
  readonly at: EpochMs;
  /** Fingerprints, in order, of authorities that the consumer distrusts, as of the last grant. */
  readonly distrusted: readonly string[];
}

/** What these contributions publish, each authority once: any contribution suffices, revocation overrides all. */
export function publishedBy(contributions: readonly Contribution[]): readonly PublishedAuthority[] {
  const published = new Map<string, PublishedAuthority>();
  for (const contribution of contributions) {
    const { authority } = contribution.known;
    if (isPublishing(shownState(contribution)))
      published.set(authority.fingerprint, { authority, dropAt: dropAtOf(authority) });
  }
  return [...published.values()];
}

/**
 * That an act leaves an authority of each type that a bundle has: else every peer stops trusting by it, which must be meant.
 * @param what the act, as the refusal names it
 * @throws {Refusal} `would-empty-bundle`
 */
export function requireSomethingLeft(
  before: readonly Contribution[],
  after: readonly Contribution[],
  now: EpochMs,
  { what, trustDomain, pointer }: { what: string; trustDomain: TrustDomain; pointer: string },
): void {
  const lost = kindLost(presentAuthorities(before, now), presentAuthorities(after, now));
  if (lost)
    throw new Refusal("would-empty-bundle", `${what} would leave no ${lost} in the bundle of ${trustDomain}`, {
      pointer,
    });
}

/** What these contributions publish at `now`. */
const presentAuthorities = (contributions: readonly Contribution[], now: EpochMs): readonly Authority[] =>
  unexpired(publishedBy(contributions), now).map(({ authority }) => authority);

/** Why a consumer may see a trust domain's bundle at this moment. */
export interface AccessFacts {
  /** It is a granted member itself. */
  readonly member: boolean;
  /** Ends of the active federations that let it (null: no end). */
  readonly federationEnds: readonly (EpochMs | null)[];
  /** Fingerprints, in order, of authorities that it does not want to be shown. */
  readonly distrusted: readonly string[];
}

/** Until when the facts grant access: null for no end, undefined for not at all. */
export function grantedUntil(facts: Pick<AccessFacts, "member" | "federationEnds">): EpochMs | null | undefined {
  const ends = facts.member ? [null] : facts.federationEnds;
  if (ends.length === 0) return undefined;
  return ends.includes(null) ? null : Math.max(...(ends as number[]));
}

export type AccessChange = "granted" | "regranted" | "changed" | "distrust-changed" | "withdrawn";

/**
 * What the facts change of the recorded access; undefined when nothing. Nobody is shown a tombstone who was never
 * granted anything.
 */
export function accessChange(recorded: BundleAccess | undefined, facts: AccessFacts): AccessChange | undefined {
  const until = grantedUntil(facts);
  if (until === undefined) return recorded?.state === "granted" ? "withdrawn" : undefined;
  if (!recorded) return "granted";
  if (recorded.state === "withdrawn") return "regranted";
  if (recorded.distrusted.join() !== facts.distrusted.join()) return "distrust-changed";
  return recorded.until === until ? undefined : "changed";
}

/** A grant that time ended: the consumer has been shown the tombstone, whether or not the log came to say so. */
export const hasLapsed = (recorded: BundleAccess | undefined, now: EpochMs): boolean =>
  recorded?.state === "granted" && recorded.until !== null && recorded.until <= now;

/** Whole seconds of `Last-Modified`: now, but strictly later than whatever was shown before. */
export const lastModifiedAfter = (shownSeconds: number, now: EpochMs): number =>
  Math.max(Math.floor(now / 1000), shownSeconds + 1);
