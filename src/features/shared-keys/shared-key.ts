import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { EpochMs } from "../../time.ts";

/** An operator's word that two trust domains may hold the same key (R28, R91). */
export interface SharedKeyAllowance {
  readonly allowanceId: string;
  /** In order. */
  readonly trustDomains: readonly [TrustDomain, TrustDomain];
  /** SHA-256 of the SubjectPublicKeyInfo; null for any key. */
  readonly keyFingerprint: string | null;
  readonly reason: string;
  readonly createdAt: EpochMs;
  readonly createdBy: string;
}

export const inOrder = (a: TrustDomain, b: TrustDomain): readonly [TrustDomain, TrustDomain] =>
  a < b ? [a, b] : [b, a];
