import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import { systemActor } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { isKeyAllowed } from "../shared-keys/shared-key.service.ts";
import { audienceOf } from "../trust-domains/trust-domain.service.ts";
import { type Holding, holdingsOfKey, markAuthorityRevoked } from "./authority.store.ts";
import type { Contribution } from "./contribution.ts";

/**
 * Who else holds a key that a trust domain may not hold beside them (R28, R91). Nobody, once it has proved the key:
 * whoever held it unproved has lost it.
 */
async function rivalsOf(db: Executor, trustDomain: TrustDomain, keyFingerprint: string): Promise<Holding[]> {
  const holdings = await holdingsOfKey(db, keyFingerprint);
  const rivals: Holding[] = [];
  for (const holding of holdings) {
    const other = holding.known.trustDomain;
    if (other === trustDomain && holding.proved) return [];
    if (other !== trustDomain && !(await isKeyAllowed(db, trustDomain, other, keyFingerprint))) rivals.push(holding);
  }
  return rivals;
}

/** How another trust domain holds a key that this one may not hold beside it; undefined where none does. */
export async function holdingElsewhere(
  db: Executor,
  trustDomain: TrustDomain,
  keyFingerprint: string,
): Promise<"proved" | "unproved" | undefined> {
  const rivals = await rivalsOf(db, trustDomain, keyFingerprint);
  if (rivals.length === 0) return undefined;
  return rivals.some(({ proved }) => proved) ? "proved" : "unproved";
}

/** Proved beats unproved, and is beaten by nobody: no claim to it is ever published. */
export const provedElsewhere = (fingerprint: string): Refusal =>
  new Refusal("key-known-elsewhere", `the key of ${fingerprint} is proved in another trust domain (R28, R91)`);

/** That a trust domain holds this certificate or JWT key, and not by a claim alone. */
export const isHeldBy = async (db: Executor, authorityId: string, keyFingerprint: string): Promise<boolean> =>
  (await holdingsOfKey(db, keyFingerprint)).some(({ known }) => known.authorityId === authorityId);

/**
 * Proved beats unproved: what the other trust domains bring of the key of a proved claim is revoked there. Their people
 * learn that, and not by whom (S21).
 * @throws {Refusal} `key-known-elsewhere` where another has proved it, whatever became of it since
 */
export async function takeFromUnproved(work: Work, { known }: Contribution): Promise<void> {
  const { keyFingerprint, fingerprint } = known.authority;
  const rivals = await rivalsOf(work.tx, known.trustDomain, keyFingerprint);
  if (rivals.some(({ proved }) => proved)) throw provedElsewhere(fingerprint);
  for (const trustDomain of new Set(rivals.map((rival) => rival.known.trustDomain))) {
    const lost = rivals.map((rival) => rival.known).filter((one) => one.trustDomain === trustDomain && !one.revokedAt);
    if (lost.length === 0) continue;
    const reason = "another trust domain has proved that it holds the key";
    for (const { authorityId } of lost) await markAuthorityRevoked(work.tx, authorityId, work.now, reason);
    work.record({
      type: "authority.claimed-elsewhere",
      actor: systemActor,
      actingMesh: null,
      subjects: [
        ...lost.map(({ authorityId }) => `authority/${authorityId}` as const),
        `trust-domain/${trustDomain}`,
        ...(await audienceOf(work.tx, trustDomain)),
      ],
      fields: { fingerprints: lost.map(({ authority }) => authority.fingerprint), reason },
      before: lost,
    });
    work.touched.bundle(trustDomain);
  }
}
