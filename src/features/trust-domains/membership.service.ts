import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { notFound, type TokenCaller } from "../access/caller.ts";
import { requireBundleWithout } from "../authorities/authority.service.ts";
import { touchFederationsOf } from "../federations/save-decided.service.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { lapseTransfersTo } from "./transfer.service.ts";
import { membersOf, ownedTrustDomain } from "./trust-domain.service.ts";
import { saveMembership } from "./trust-domain.store.ts";
import { decideMembership, type Membership, type MembershipDecision } from "./trust-domain-record.ts";

/**
 * The owner's admin grants, denies or expels a member. What a member contributed, and its federations, follow at once.
 * @throws {Refusal} `not-found`, `not-the-owner`, `membership-decision`; `would-empty-bundle` unless forced
 */
export async function decideMember(
  work: Work,
  caller: TokenCaller,
  name: TrustDomain,
  asked: { meshId: MeshId; decision: MembershipDecision; reason: string | null; force: boolean },
): Promise<Membership> {
  const { owner } = await ownedTrustDomain(work, caller, name);
  const before = (await membersOf(work.tx, name)).find(({ meshId }) => meshId === asked.meshId);
  if (!before) throw notFound("/meshId");
  const after = decideMembership(before, owner, asked.decision, asked.reason, work.now);
  if (asked.decision === "expel" && !asked.force) {
    const act = { what: `expelling ${asked.meshId}`, pointer: "/decision" };
    await requireBundleWithout(work, name, asked.meshId, act);
  }
  await saveMembership(work.tx, after);
  await lapseTransfersTo(work, name, asked.meshId);
  const named = [`mesh/${owner}`] as const;
  work.record({
    type: `membership.${DECIDED[asked.decision]}`,
    subjects: [`mesh/${asked.meshId}`, `trust-domain/${name}`, ...(asked.decision === "deny" ? [] : named)],
    // Whoever was never granted may not read the trust domain, nor whose it is (S21).
    audience: named,
    actingMesh: owner,
    fields: { reason: asked.reason, ...(asked.decision === "expel" ? { force: asked.force } : {}) },
    before,
    after,
  });
  work.touched.bundle(name);
  work.touched.access(asked.meshId, name);
  await touchFederationsOf(work, asked.meshId);
  return after;
}

const DECIDED = { grant: "granted", deny: "denied", expel: "expelled" } as const;
