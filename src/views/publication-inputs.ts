import type { PublishedAuthority } from "../bundle/published.ts";
import type { Sha256Hex } from "../pki/authority.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { EpochMs } from "../time.ts";

/** What the bundle endpoint needs of one trust domain: its newest revision and how it is to be served. */
export interface DomainInput {
  readonly trustDomain: TrustDomain;
  /** Event-log position of the newest revision. */
  readonly position: number;
  /** Whole seconds since the epoch; strictly later than the revision before. */
  readonly lastModifiedSeconds: number;
  readonly refreshHintSeconds: number;
  /** Served to anybody under /bundles/{trustDomain}. */
  readonly public: boolean;
  /** In canonical order. */
  readonly authorities: readonly PublishedAuthority[];
}

/** What one consumer mesh may see of one trust domain, as the event log last recorded it. */
export type AccessInput = {
  readonly meshId: string;
  readonly trustDomain: TrustDomain;
  /** Event-log position of the change: a re-grant after a withdrawal, a withdrawal, other distrusts; 0 for a first grant. */
  readonly position: number;
  /** Whole seconds; 0 for a first grant. */
  readonly lastModifiedSeconds: number;
} & (
  | {
      readonly state: "granted";
      /** When the last federation that allows it expires; null for never. */
      readonly until: EpochMs | null;
      /** Fingerprints of authorities that this consumer is not shown; changes with `position` alone. */
      readonly distrusted: readonly string[];
    }
  | {
      /** Of a pair that was active once; one that never was has no access at all. */
      readonly state: "withdrawn";
      /** Of an expiry, exactly the `until` of the grant, however much later the log came to know. */
      readonly at: EpochMs;
      /** Pollers that ever fetched the bundle and have not fetched the tombstone yet. */
      readonly owing: readonly string[];
    }
);

/** One capability URL. */
export interface PollerInput {
  readonly pollerId: string;
  readonly meshId: string;
  /** SHA-256 of the token. */
  readonly tokenHash: Sha256Hex;
  /** Event-log position of its creation: a poller made after a withdrawal is not shown the tombstone. */
  readonly position: number;
  readonly expiresAt: EpochMs | null;
  /** Tokens that rotations replaced, which serve until they end. */
  readonly former?: readonly { readonly tokenHash: Sha256Hex; readonly endsAt: EpochMs }[];
}

/** What changed between two positions of the event log, as reloaded from the store in one read. */
export interface PublicationChange {
  /** The position up to which the state is now known. */
  readonly upTo: number;
  /** Start anew: everything not named here is gone. */
  readonly rebuild: boolean;
  readonly generation: number;
  readonly domains: readonly DomainInput[];
  readonly removedDomains: readonly TrustDomain[];
  readonly accesses: readonly AccessInput[];
  /** Accesses that exist no more (a deleted mesh). */
  readonly removedAccesses: readonly { readonly meshId: string; readonly trustDomain: TrustDomain }[];
  readonly pollers: readonly PollerInput[];
  /** IDs of revoked pollers. */
  readonly removedPollers: readonly string[];
}

/** That nothing changed up to a position: what every change adds to. */
export const nothingNew = (upTo: number, generation: number): PublicationChange => ({
  upTo,
  rebuild: false,
  generation,
  domains: [],
  // A trust domain with a revision never goes: one that was given back publishes nothing.
  removedDomains: [],
  accesses: [],
  removedAccesses: [],
  pollers: [],
  removedPollers: [],
});
