import { Refusal } from "../../errors.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { parseText } from "../../text.ts";
import { type Caller, notFound } from "../access/caller.ts";
import { spendInvitation } from "../access/invitation.service.ts";
import { checkInvited } from "../access/invitation.ts";
import { issueToken, reissueUnusedToken } from "../access/token.service.ts";
import { joinTrustDomain, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { requireNotFreed, requireNotReserved } from "../trust-domains/trust-domain-record.ts";
import { findMesh, insertMesh, isMeshIdTaken, listDirectory, listMeshes, updateMesh } from "./mesh.store.ts";
import { changedMesh, type Mesh, type MeshChange, type RegisteredMesh } from "./mesh.ts";
import type { MeshId } from "./mesh-id.ts";

export { listDirectory, listMeshes };

/** What registration takes from the configuration. */
export interface RegistrationDefaults {
  readonly brokerTrustDomain: TrustDomain;
  readonly refreshHintSeconds: number;
  readonly tokenSeconds: number;
}

/**
 * Registers a mesh: its trust domain becomes its own, or it asks to be a member. An invitation also gets the mesh's
 * first mesh-admin token.
 * @throws {Refusal} `invitation-mismatch`, `mesh-id-taken`, `trust-domain-reserved`, `trust-domain-freed`
 */
export async function registerMesh(
  work: Work,
  caller: Caller,
  asked: Omit<Mesh, "registeredAt" | "updatedAt"> & { readonly trustDomain: TrustDomain },
  defaults: RegistrationDefaults,
): Promise<{ mesh: RegisteredMesh; secret?: string }> {
  const { trustDomain, ...described } = asked;
  const { meshId } = asked;
  if (caller.kind === "invitation") checkInvited(caller.invitation, asked);
  requireNotReserved(trustDomain, defaults.brokerTrustDomain);
  if (await isMeshIdTaken(work.tx, meshId))
    throw new Refusal("mesh-id-taken", `the mesh ID ${meshId} is taken`, { pointer: "/meshId" });
  if (caller.kind === "invitation") requireNotFreed(await trustDomainNamed(work.tx, trustDomain));
  const mesh: Mesh = { ...described, registeredAt: work.now, updatedAt: work.now };
  await insertMesh(work.tx, mesh);
  work.record({
    ...(caller.kind === "invitation" ? { actingMesh: meshId } : {}),
    type: "mesh.registered",
    subjects: [`mesh/${meshId}`, `trust-domain/${trustDomain}`],
    fields: { trustDomain },
    after: mesh,
  });
  const { state } = await joinTrustDomain(work, asked, defaults.refreshHintSeconds);
  const registered: RegisteredMesh = {
    ...mesh,
    trustDomain,
    membership: state,
    suspension: null,
    suspensionEndedAt: null,
  };
  if (caller.kind !== "invitation") return { mesh: registered };
  await spendInvitation(work, caller.invitation, meshId);
  const { secret } = await issueToken(work, {
    name: parseText(`first admin of ${meshId}`, ""),
    role: "mesh-admin",
    meshes: [meshId],
    expiresInSeconds: defaults.tokenSeconds,
  });
  return { mesh: registered, secret };
}

/** The mesh that an invitation was spent on, with another first token while that was never used; undefined after. */
export async function repeatRegistration(
  work: Work,
  meshId: MeshId,
  tokenSeconds: number,
): Promise<{ mesh: RegisteredMesh; secret: string } | undefined> {
  const mesh = await readMesh(work.tx, meshId);
  const reissued = await reissueUnusedToken(work, meshId, tokenSeconds);
  return reissued && { mesh, secret: reissued.secret };
}

/** @throws {Refusal} `not-found` */
export async function readMesh(db: Executor, meshId: MeshId): Promise<RegisteredMesh> {
  const mesh = await findMesh(db, meshId);
  if (!mesh) throw notFound();
  return mesh;
}

/** @throws {Refusal} `not-found` */
export async function changeMesh(work: Work, meshId: MeshId, change: MeshChange): Promise<RegisteredMesh> {
  const before = await readMesh(work.tx, meshId);
  const changed = changedMesh(before, change, work.now);
  if (changed === before) return before;
  const after = { ...before, ...changed };
  await updateMesh(work.tx, after);
  work.record({ type: "mesh.updated", subjects: [`mesh/${meshId}`], actingMesh: meshId, before, after });
  return after;
}
