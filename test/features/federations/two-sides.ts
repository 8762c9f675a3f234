import { changeTerms } from "../../../src/features/federations/change-terms.ts";
import { decideConsent, digestToDecide } from "../../../src/features/federations/consent.ts";
import { type Federation, proposeFederation } from "../../../src/features/federations/federation.ts";
import { type Direction, makeTerms, type Terms, termsDigest } from "../../../src/features/federations/terms.ts";
import { decideVeto } from "../../../src/features/federations/veto.ts";
import { parseMeshId } from "../../../src/features/meshes/mesh-id.ts";
import { parseTrustDomain } from "../../../src/spiffe/trust-domain.ts";
import type { EpochMs } from "../../../src/time.ts";

export const bank = { meshId: parseMeshId("bank"), trustDomain: parseTrustDomain("bank.example") };
export const shop = { meshId: parseMeshId("shop"), trustDomain: parseTrustDomain("shop.example") };
export const landlord = { owner: parseMeshId("landlord"), trustDomain: shop.trustDomain };

export const bankTrustsShop: Direction = { consumer: bank.meshId, provider: shop.meshId };
export const shopTrustsBank: Direction = { consumer: shop.meshId, provider: bank.meshId };
export const bothWays = [bankTrustsShop, shopTrustsBank];

export type Side = typeof bank;

export const terms = (trust: readonly Direction[], expiresAt: EpochMs | null = null): Terms =>
  makeTerms([bank, shop], trust, expiresAt, 0);

/** Proposed at 0 by bank; its authorities are shown as of then. */
export const proposed = (
  asked: Terms = terms(bothWays),
  { byOperator = false, authorities = {} }: { byOperator?: boolean; authorities?: Record<string, string[]> } = {},
): Federation =>
  proposeFederation({
    federationId: "fed_1",
    terms: asked,
    proposer: bank.meshId,
    byOperator,
    authorities,
    reason: "to pay",
    now: 0,
  });

export const say = (
  federation: Federation,
  side: Side,
  decision: "grant" | "deny" | "withdraw",
  now: EpochMs,
  digest: string | null = null,
) => decideConsent(federation, side.meshId, decision, digest, null, now);

/** Grants what is proposed to this side, by its digest. */
export const accept = (federation: Federation, side: Side, now: EpochMs) =>
  say(federation, side, "grant", now, digestToDecide(federation, side.meshId, "grant"));

/** Granted by shop at 1, so agreed. */
export const agreed = (asked?: Terms): Federation => say(proposed(asked), shop, "grant", 1).federation;

export const ask = (
  federation: Federation,
  side: Side,
  now: EpochMs,
  asked: { trust?: readonly Direction[]; expiresAt?: EpochMs | null },
) =>
  changeTerms(federation, {
    meshId: side.meshId,
    trust: asked.trust,
    expiresAt: asked.expiresAt,
    authorities: { asked: [`at ${now}`] },
    reason: null,
    now,
  });

export const veto = (federation: Federation, decision: "grant" | "deny" | "withdraw", now: EpochMs) =>
  decideVeto(federation, landlord, decision, "not in my house", now);

export const digestOf = termsDigest;
