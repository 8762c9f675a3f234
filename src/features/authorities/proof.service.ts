import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import { notFound } from "../access/caller.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { requireNoneSuspended } from "../meshes/suspension.service.ts";
import { audienceOf } from "../trust-domains/trust-domain.service.ts";
import { findContribution, meshSource, publishingContributions, trustDomainOfMember } from "./authority.service.ts";
import { saveContribution } from "./authority.store.ts";
import { takeFromUnproved } from "./claim.service.ts";
import type { Contribution } from "./contribution.ts";
import { deleteChallenge, findChallenge, saveChallenge } from "./proof.store.ts";
import { checkProof, newChallenge, type Proof, type ProofChallenge, requireOpen } from "./proof.ts";

/**
 * A challenge to prove that a mesh holds the key of what it contributes; an earlier one of the same is void.
 * @throws {Refusal} `not-found`, `membership-pending`, `authority-revoked`, `mesh-suspended`
 */
export async function challengeMesh(
  work: Work,
  meshId: MeshId,
  authorityId: string,
): Promise<{ contribution: Contribution; challenge: ProofChallenge }> {
  const contribution = await provable(work, meshId, authorityId);
  // It could not be answered before the suspension ends.
  await requireNoneSuspended(work.tx, [meshId]);
  const challenge = newChallenge(work.random, work.now);
  await saveChallenge(work.tx, contribution, challenge);
  return { contribution, challenge };
}

/**
 * A mesh answers its open challenge. What it claimed is prepared from now on, and revoked where others brought it
 * unproved.
 * @throws {Refusal} `not-found`, `membership-pending`, `authority-revoked`, `proof-challenge-expired`,
 * `key-known-elsewhere`, and what `checkProof` refuses
 */
export async function proveAuthority(
  work: Work,
  meshId: MeshId,
  authorityId: string,
  proof: Proof,
): Promise<Contribution> {
  const before = await provable(work, meshId, authorityId);
  const challenge = requireOpen(await findChallenge(work.tx, before), work.now);
  await checkProof(before, challenge, proof, work.now);
  const claimed = before.state === "claimed";
  const after: Contribution = {
    ...before,
    ...(claimed ? { state: "prepared", changedAt: work.now } : {}),
    provedAt: before.provedAt ?? work.now,
  };
  const { trustDomain, authority } = before.known;
  work.record({
    type: "authority.proved",
    subjects: [
      `authority/${authorityId}`,
      `mesh/${meshId}`,
      `trust-domain/${trustDomain}`,
      ...(await audienceOf(work.tx, trustDomain)),
    ],
    actingMesh: meshId,
    fields: { fingerprint: authority.fingerprint, by: Object.keys(proof)[0], from: before.state, to: after.state },
    before,
    after,
  });
  if (claimed) await takeFromUnproved(work, before);
  await saveContribution(work.tx, after);
  await deleteChallenge(work.tx, before);
  work.touched.bundle(trustDomain);
  return after;
}

/** Each authority that a trust domain publishes: since when, and since when any source that publishes it has proved it. */
export async function publishedSince(
  db: Executor,
  trustDomain: TrustDomain,
): Promise<{ trustDomain: TrustDomain; fingerprint: string; createdAt: EpochMs; provedAt: EpochMs | null }[]> {
  const earliest = (times: readonly EpochMs[]) => (times.length > 0 ? Math.min(...times) : null);
  const published = await publishingContributions(db, trustDomain);
  const byFingerprint = Map.groupBy(published, ({ known }) => known.authority.fingerprint);
  return [...byFingerprint].map(([fingerprint, brought]) => ({
    trustDomain,
    fingerprint,
    createdAt: Math.min(...brought.map(({ createdAt }) => createdAt)),
    provedAt: earliest(brought.flatMap(({ provedAt }) => provedAt ?? [])),
  }));
}

async function provable(work: Work, meshId: MeshId, authorityId: string): Promise<Contribution> {
  const contribution = await findContribution(work.tx, meshSource(meshId), authorityId);
  if (!contribution) throw notFound();
  await trustDomainOfMember(work, meshId);
  const { authority, revokedAt } = contribution.known;
  if (revokedAt !== null) throw new Refusal("authority-revoked", `${authority.fingerprint} is revoked`);
  return contribution;
}
