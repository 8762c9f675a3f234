import type { Sha256Hex } from "../pki/authority.ts";

export interface RevisionDifference {
  /** Fingerprints, in order. */
  readonly added: readonly Sha256Hex[];
  readonly removed: readonly Sha256Hex[];
}

interface Fingerprinted {
  readonly fingerprint: Sha256Hex;
}

/** What a revision publishes that the one before it did not, and the other way round. */
export function revisionDifference(
  before: readonly Fingerprinted[],
  after: readonly Fingerprinted[],
): RevisionDifference {
  return { added: missingFrom(before, after), removed: missingFrom(after, before) };
}

function missingFrom(those: readonly Fingerprinted[], among: readonly Fingerprinted[]): readonly Sha256Hex[] {
  const known = new Set(those.map(({ fingerprint }) => fingerprint));
  return among
    .map(({ fingerprint }) => fingerprint)
    .filter((fingerprint) => !known.has(fingerprint))
    .toSorted();
}
