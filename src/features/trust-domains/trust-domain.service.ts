import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Subject } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { notFound, type TokenCaller } from "../access/caller.ts";
import { reaches, type Scope } from "../access/role.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { deleteTransfers } from "./transfer.store.ts";
import {
  deleteMembership,
  findMembership,
  findTrustDomain,
  listTrustDomains,
  membershipsOf,
  saveMembership,
  saveTrustDomain,
} from "./trust-domain.store.ts";
import { type Membership, notTheOwner, type TrustDomainRecord } from "./trust-domain-record.ts";

export const trustDomainNamed = findTrustDomain;
export const membershipOf = findMembership;
export const membersOf = membershipsOf;
export { listTrustDomains };

/** Every mesh whose admins see what happens in the trust domain: its owner and its granted members. */
export async function audienceOf(db: Executor, trustDomain: TrustDomain): Promise<Subject[]> {
  const members = (await membershipsOf(db, trustDomain)).filter(({ state }) => state === "granted");
  return members.map(({ meshId }): Subject => `mesh/${meshId}`);
}

/** Its owner as an audience: of what somebody reads too who may not know of it (S21). */
export const ownerOf = (record: TrustDomainRecord | undefined): Subject[] =>
  record?.owner ? [`mesh/${record.owner}`] : [];

/**
 * The trust domain as its granted members, operators and auditors may read it.
 * @throws {Refusal} `not-found`
 */
export async function readTrustDomain(
  db: Executor,
  scope: Scope,
  name: TrustDomain,
): Promise<{ record: TrustDomainRecord; members: Membership[] }> {
  const record = await findTrustDomain(db, name);
  const members = await membershipsOf(db, name);
  const mine = members.some(({ meshId, state }) => state === "granted" && reaches(scope, meshId));
  if (!record || !(scope.all || mine)) throw notFound();
  return { record, members };
}

/**
 * The trust domain, for what only its owner's admin may do.
 * @throws {Refusal} `not-found` to whoever may not read it either; `not-the-owner`
 */
export async function ownedTrustDomain(
  work: Work,
  caller: TokenCaller,
  name: TrustDomain,
): Promise<TrustDomainRecord & { owner: MeshId }> {
  const { record } = await readTrustDomain(work.tx, caller.scope, name);
  if (record.owner === null || !reaches(caller.scope, record.owner)) throw notTheOwner(name);
  return { ...record, owner: record.owner };
}

/**
 * Sets what is the owner's alone.
 * @throws {Refusal} `not-found`, `not-the-owner`
 */
export async function changeTrustDomain(
  work: Work,
  caller: TokenCaller,
  name: TrustDomain,
  change: { refreshHintSeconds?: number; public?: boolean },
): Promise<TrustDomainRecord> {
  const before = await ownedTrustDomain(work, caller, name);
  const after: TrustDomainRecord = { ...before, ...change, updatedAt: work.now };
  if (after.refreshHintSeconds === before.refreshHintSeconds && after.public === before.public) return before;
  await saveTrustDomain(work.tx, after);
  work.record({
    type: "trust-domain.updated",
    subjects: [`trust-domain/${name}`, ...(await audienceOf(work.tx, name))],
    actingMesh: before.owner,
    fields: { refreshHintSeconds: after.refreshHintSeconds, public: after.public },
    before,
    after,
  });
  work.touched.bundle(name);
  return after;
}

/**
 * What a new mesh finds of its trust domain: it becomes the owner of one that nobody has, and asks to be a member of
 * one that has an owner (S19). Whose act it is follows from the registration: an operator's is no mesh's (S21).
 */
export async function joinTrustDomain(
  work: Work,
  mesh: { meshId: MeshId; trustDomain: TrustDomain },
  refreshHintSeconds: number,
): Promise<Membership> {
  const { meshId, trustDomain } = mesh;
  const existing = await findTrustDomain(work.tx, trustDomain);
  const owner = existing?.owner ?? null;
  const membership: Membership = {
    meshId,
    trustDomain,
    state: owner === null ? "granted" : "pending",
    requestedAt: work.now,
    decidedAt: owner === null ? work.now : null,
    reason: null,
  };
  if (owner === null) {
    const fresh = {
      refreshHintSeconds,
      public: false,
      ownedSince: null,
      revisionPosition: null,
      createdAt: work.now,
    };
    const registered: TrustDomainRecord = {
      ...fresh,
      ...existing,
      name: trustDomain,
      owner: meshId,
      updatedAt: work.now,
      freedAt: null,
    };
    const position = work.record({
      type: "trust-domain.registered",
      subjects: [`trust-domain/${trustDomain}`, `mesh/${meshId}`],
      before: existing,
      after: registered,
    });
    await saveTrustDomain(work.tx, existing ? { ...registered, ownedSince: position } : registered);
  }
  await saveMembership(work.tx, membership);
  work.record({
    type: owner === null ? "membership.granted" : "membership.requested",
    subjects: [`mesh/${meshId}`, `trust-domain/${trustDomain}`],
    audience: ownerOf(existing),
    after: membership,
  });
  work.touched.bundle(trustDomain);
  work.touched.access(meshId, trustDomain);
  return membership;
}

/** The meshes that have nobody to be members of once this mesh is gone: none unless it is the owner. */
export async function leftWithout({ tx }: Work, meshId: MeshId, trustDomain: TrustDomain): Promise<MeshId[]> {
  if ((await findTrustDomain(tx, trustDomain))?.owner !== meshId) return [];
  return (await membershipsOf(tx, trustDomain)).map((left) => left.meshId).filter((left) => left !== meshId);
}

/**
 * A mesh leaves; the owner takes the trust domain's publicness with it, what it decided of others and what it offered them
 * (S21), and the name is free for an operator only. Whose act it is follows from the deletion.
 */
export async function leaveTrustDomain(work: Work, mesh: { meshId: MeshId; trustDomain: TrustDomain }): Promise<void> {
  const { meshId, trustDomain } = mesh;
  const record = await findTrustDomain(work.tx, trustDomain);
  await deleteMembership(work.tx, meshId);
  work.record({
    type: "membership.ended",
    subjects: [`mesh/${meshId}`, `trust-domain/${trustDomain}`],
    audience: ownerOf(record),
  });
  work.touched.bundle(trustDomain);
  if (record?.owner !== meshId) return;
  await saveTrustDomain(work.tx, { ...record, owner: null, public: false, freedAt: work.now, updatedAt: work.now });
  work.record({
    type: "trust-domain.freed",
    subjects: [`trust-domain/${trustDomain}`, `mesh/${meshId}`],
    before: record,
  });
  await deleteTransfers(work.tx, trustDomain);
  for (const left of await membershipsOf(work.tx, trustDomain)) await reopen(work, left);
}

/** The next owner finds who asks, and nothing of what the last one thought of it. */
async function reopen(work: Work, before: Membership): Promise<void> {
  if (before.state === "pending") return;
  const after: Membership = { ...before, state: "pending", decidedAt: null, reason: null };
  await saveMembership(work.tx, after);
  const subjects: Subject[] = [`mesh/${before.meshId}`, `trust-domain/${before.trustDomain}`];
  work.record({ type: "membership.reopened", subjects, before, after });
}
