import { Refusal } from "../../errors.ts";
import { DAY_MS, type EpochMs } from "../../time.ts";
import type { Direction } from "../federations/terms.ts";
import type { MeshId } from "../meshes/mesh-id.ts";

/** What the code's mesh would be to the mesh that spends it. */
export type CodeRole = "consumer" | "provider";

/** A mesh's consent, given in advance to whoever spends it first. Its secret is shown once and stored as a hash (S24). */
export interface FederationCode {
  readonly codeId: string;
  /** The mesh that consents. */
  readonly meshId: MeshId;
  /** The directions consented to; null for whichever the proposal asks for. */
  readonly trust: readonly CodeRole[] | null;
  /** The end consented to; null for whichever the proposal asks for. */
  readonly federationExpiresAt: EpochMs | null;
  readonly reason: string | null;
  readonly createdAt: EpochMs;
  /** The token that made it. */
  readonly createdBy: string;
  readonly expiresAt: EpochMs;
  readonly revokedAt: EpochMs | null;
  readonly spentAt: EpochMs | null;
  /** The mesh that proposed with it. */
  readonly spentBy: MeshId | null;
  /** What it was spent on. */
  readonly federationId: string | null;
}

export const DEFAULT_LIFE_MS = 7 * DAY_MS;
export const LONGEST_LIFE_MS = 30 * DAY_MS;

export type CodeState = "open" | "spent" | "revoked" | "expired";

export function codeState(code: FederationCode, now: EpochMs): CodeState {
  if (code.spentAt !== null) return "spent";
  if (code.revokedAt !== null) return "revoked";
  return code.expiresAt <= now ? "expired" : "open";
}

/** What a proposal asks for; undefined where it leaves it to the code. */
export interface AskedTerms {
  readonly trust: readonly Direction[] | undefined;
  readonly expiresAt: EpochMs | null | undefined;
}

/** The terms of a proposal with a code; undefined and null where neither says anything. */
export interface CodeTerms {
  readonly trust: readonly Direction[] | undefined;
  readonly expiresAt: EpochMs | null;
}

/**
 * The code's terms where the proposal has none, the proposal's where the code has none.
 * @throws {Refusal} `invalid-terms` where both have some and they differ, with what the code allows
 */
export function agreedByCode(code: FederationCode, proposer: MeshId, asked: AskedTerms): CodeTerms {
  const allowed = code.trust?.map((role) => directionOf(role, code.meshId, proposer));
  if (allowed && asked.trust && keyOf(allowed) !== keyOf(asked.trust))
    throw new Refusal("invalid-terms", "the code is for other directions", {
      pointer: "/trust",
      extra: { allowed: { trust: allowed } },
    });
  const end = code.federationExpiresAt;
  if (end !== null && asked.expiresAt !== undefined && asked.expiresAt !== end)
    throw new Refusal("invalid-terms", "the code is for another end", {
      pointer: "/expiresAt",
      extra: { allowed: { expiresAt: new Date(end).toISOString() } },
    });
  return { trust: allowed ?? asked.trust, expiresAt: end ?? asked.expiresAt ?? null };
}

const directionOf = (role: CodeRole, own: MeshId, other: MeshId): Direction =>
  role === "consumer" ? { consumer: own, provider: other } : { consumer: other, provider: own };

const keyOf = (trust: readonly Direction[]): string =>
  trust
    .map(({ consumer, provider }) => `${consumer} ${provider}`)
    .sort()
    .join();
