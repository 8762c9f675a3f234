import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";
import type { MeshId } from "../meshes/mesh-id.ts";

/** One side of a federation. */
export interface Party {
  readonly meshId: MeshId;
  readonly trustDomain: TrustDomain;
}

/** "consumer trusts provider": the consumer is served the provider's bundle. */
export interface Direction {
  readonly consumer: MeshId;
  readonly provider: MeshId;
}

/** What both sides agree to (S20). Parties are in the order of their mesh IDs, directions in the order of consumers. */
export interface Terms {
  readonly parties: readonly [Party, Party];
  readonly trust: readonly Direction[];
  /** Null for as long as neither withdraws. */
  readonly expiresAt: EpochMs | null;
}

/** SHA-256 (hex) of the canonical JSON of the terms: what a consent binds. */
export const termsDigest = (terms: Terms): string =>
  createHash("sha256")
    .update(canonicalize({ ...terms }) as string)
    .digest("hex");

export const bothDirections = ([a, b]: readonly [Party, Party]): readonly Direction[] => bothWays([a.meshId, b.meshId]);

const bothWays = ([a, b]: readonly [MeshId, MeshId]): readonly Direction[] => [
  { consumer: a, provider: b },
  { consumer: b, provider: a },
];

/**
 * Directions between two meshes as they were asked for, in canonical order: both where nothing was said.
 * @throws {Refusal} `invalid-terms` for one that is not between them, is named twice or missing altogether
 */
export function directionsBetween(
  meshes: readonly [MeshId, MeshId],
  asked: readonly Direction[] | undefined,
): readonly Direction[] {
  const allowed = bothWays([...meshes].sort() as [MeshId, MeshId]);
  if (asked === undefined) return allowed;
  const isSame = (one: Direction) => (other: Direction) =>
    one.consumer === other.consumer && one.provider === other.provider;
  const stray = asked.findIndex((direction) => !allowed.some(isSame(direction)));
  if (stray >= 0) throw strayDirection(stray);
  const named = allowed.filter((direction) => asked.some(isSame(direction)));
  if (named.length === 0 || named.length !== asked.length)
    throw new Refusal("invalid-terms", "each direction once, and at least one", { pointer: "/trust" });
  return named;
}

/**
 * Terms between two parties, in canonical order.
 * @throws {Refusal} `federation-with-itself`; `invalid-terms` for a direction that is not between them, is named
 * twice or missing altogether, or for an expiry that has passed
 */
export function makeTerms(
  parties: readonly [Party, Party],
  trust: readonly Direction[] | undefined,
  expiresAt: EpochMs | null,
  now: EpochMs,
): Terms {
  const [a, b] = [...parties].sort((x, y) => (x.meshId < y.meshId ? -1 : 1)) as [Party, Party];
  if (a.meshId === b.meshId) {
    throw new Refusal("federation-with-itself", `${a.meshId} is both sides`, { pointer: "/peer" });
  }
  if (expiresAt !== null && expiresAt <= now) {
    throw new Refusal("invalid-terms", "expiresAt has passed", { pointer: "/expiresAt" });
  }
  return { parties: [a, b], trust: directionsBetween([a.meshId, b.meshId], trust), expiresAt };
}

/** The same for a mesh that is another, absent or no mesh's name at all (S16). */
export const strayDirection = (index: number): Refusal =>
  new Refusal("invalid-terms", "a direction names consumer and provider of the two meshes", {
    pointer: `/trust/${index}`,
  });

const endsNoLater = (next: EpochMs | null, current: EpochMs | null): boolean =>
  current === null || (next !== null && next <= current);

/** Whether `next` takes from `mesh` alone: it trusts less, or all ends earlier. Nobody else need agree to that. */
export function isNarrowedBy(mesh: MeshId, current: Terms, next: Terms): boolean {
  const has = (terms: Terms, d: Direction) => terms.trust.some((x) => x.consumer === d.consumer);
  const added = next.trust.some((d) => !has(current, d));
  const takenFromOther = current.trust.some((d) => !has(next, d) && d.consumer !== mesh);
  return !added && !takenFromOther && endsNoLater(next.expiresAt, current.expiresAt);
}
