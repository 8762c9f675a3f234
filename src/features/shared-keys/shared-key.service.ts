import { Refusal } from "../../errors.ts";
import { randomId } from "../../randomness.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { notFound } from "../access/caller.ts";
import {
  allowancesBetween,
  deleteAllowance,
  findAllowance,
  insertAllowance,
  listAllowances,
} from "./shared-key.store.ts";
import { inOrder, type SharedKeyAllowance } from "./shared-key.ts";

export { findAllowance, listAllowances };

/** Whether an operator has allowed this key in both trust domains. */
export async function isKeyAllowed(
  db: Executor,
  a: TrustDomain,
  b: TrustDomain,
  keyFingerprint: string,
): Promise<boolean> {
  const allowances = await allowancesBetween(db, inOrder(a, b));
  return allowances.some(
    (allowance) => allowance.keyFingerprint === null || allowance.keyFingerprint === keyFingerprint,
  );
}

/** @throws {Refusal} `invalid-request` when both names are the same */
export async function allowSharedKey(
  work: Work,
  asked: { trustDomains: readonly [TrustDomain, TrustDomain]; keyFingerprint: string | null; reason: string },
): Promise<SharedKeyAllowance> {
  const [a, b] = asked.trustDomains;
  if (a === b) throw new Refusal("invalid-request", "name two trust domains", { pointer: "/trustDomains/1" });
  const allowance: SharedKeyAllowance = {
    allowanceId: randomId(work.random, "ska"),
    trustDomains: inOrder(a, b),
    keyFingerprint: asked.keyFingerprint,
    reason: asked.reason,
    createdAt: work.now,
    createdBy: work.actor.id,
  };
  await insertAllowance(work.tx, allowance);
  work.record({
    type: "shared-key.allowed",
    subjects: [`shared-key/${allowance.allowanceId}`, `trust-domain/${a}`, `trust-domain/${b}`],
    fields: { keyFingerprint: asked.keyFingerprint, reason: asked.reason },
    after: allowance,
  });
  return allowance;
}

/** What was registered under the allowance stays. @throws {Refusal} `not-found` */
export async function disallowSharedKey(work: Work, allowanceId: string): Promise<void> {
  const before = await findAllowance(work.tx, allowanceId);
  if (!before) throw notFound();
  await deleteAllowance(work.tx, allowanceId);
  work.record({
    type: "shared-key.disallowed",
    subjects: [`shared-key/${allowanceId}`, ...before.trustDomains.map((name) => `trust-domain/${name}` as const)],
    before,
  });
}
