import type { Authority } from "../../src/pki/authority.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import type { EpochMs } from "../../src/time.ts";
import {
  type AccessInput,
  type DomainInput,
  nothingNew,
  type PollerInput,
  type PublicationChange,
} from "../../src/views/publication-inputs.ts";

/** Noon of some day: every time in these tests is told from it. */
export const NOON: EpochMs = Date.UTC(2026, 9, 1, 12);

export const BROKER = parseTrustDomain("broker.example");
export const SHOP = parseTrustDomain("shop.example");
export const BANK = parseTrustDomain("bank.example");

/** An authority with nothing behind it: the publication judges none. */
const authority = (name: string, notAfter: EpochMs): Authority => ({
  type: "x509",
  fingerprint: name,
  keyFingerprint: name,
  certificate: Buffer.from(name).toString("base64"),
  jwk: { kty: "EC", crv: "P-256", x: name, y: name },
  subject: `CN=${name}`,
  notBefore: 0,
  notAfter,
});

/** A domain whose authorities never fall due, but for those given with a time. */
export function domain(
  position: number,
  names: Record<string, EpochMs | null>,
  more: Partial<DomainInput> = {},
): DomainInput {
  return {
    trustDomain: SHOP,
    position,
    lastModifiedSeconds: NOON / 1000 + position,
    refreshHintSeconds: 300,
    public: false,
    authorities: Object.entries(names).map(([name, dropAt]) => ({ authority: authority(name, dropAt ?? 0), dropAt })),
    ...more,
  };
}

export const granted = (more: Partial<AccessInput & { state: "granted" }> = {}): AccessInput => ({
  meshId: "bank",
  trustDomain: SHOP,
  position: 0,
  lastModifiedSeconds: 0,
  state: "granted",
  until: null,
  distrusted: [],
  ...more,
});

export const withdrawn = (position: number, more: Partial<AccessInput & { state: "withdrawn" }> = {}): AccessInput => ({
  meshId: "bank",
  trustDomain: SHOP,
  position,
  lastModifiedSeconds: NOON / 1000 + position,
  state: "withdrawn",
  at: NOON,
  owing: [],
  ...more,
});

/** Its token hash is its ID. */
export const poller = (pollerId: string, more: Partial<PollerInput> = {}): PollerInput => ({
  pollerId,
  meshId: "bank",
  tokenHash: pollerId,
  position: 1,
  expiresAt: null,
  ...more,
});

export const change = (upTo: number, more: Partial<PublicationChange> = {}): PublicationChange => ({
  ...nothingNew(upTo, 0),
  ...more,
});
