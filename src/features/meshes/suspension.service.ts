import { Refusal } from "../../errors.ts";
import { takesBack } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import type { Recorded, Work } from "../../store/unit-of-work.ts";
import type { FreeText } from "../../text.ts";
import { notFound } from "../access/caller.ts";
import { touchFederationsOf } from "../federations/save-decided.service.ts";
import { findMesh, saveSuspension, suspendedAmong } from "./mesh.store.ts";
import type { RegisteredMesh, Suspension } from "./mesh.ts";
import type { MeshId } from "./mesh-id.ts";

const suspended = (meshId: string): Refusal => new Refusal("mesh-suspended", `an operator has suspended ${meshId}`);

/** @throws {Refusal} `not-found` for a mesh that is absent or not suspended */
export async function readSuspension(db: Executor, meshId: MeshId): Promise<Suspension> {
  const suspension = (await findMesh(db, meshId))?.suspension;
  if (!suspension) throw notFound();
  return suspension;
}

/**
 * From now on nothing is served across between the mesh and its peers: each gets tombstones of the other. What it publishes
 * for its own trust domain stays, so that its own workloads go on. Its agreements stand and come back with its end.
 * @throws {Refusal} `not-found`, `mesh-suspended`
 */
export async function suspendMesh(work: Work, meshId: MeshId, reason: FreeText): Promise<Suspension> {
  const mesh = await findMesh(work.tx, meshId);
  if (!mesh) throw notFound();
  if (mesh.suspension) throw suspended(meshId);
  const suspension: Suspension = { at: work.now, by: work.actor.id, reason };
  await changeSuspension(work, mesh, suspension);
  return suspension;
}

/** Gives everything back, under numbers above the tombstones. @throws {Refusal} `not-found` */
export async function endSuspension(work: Work, meshId: MeshId): Promise<void> {
  const mesh = await findMesh(work.tx, meshId);
  if (!mesh?.suspension) throw notFound();
  await changeSuspension(work, mesh, null);
}

async function changeSuspension(work: Work, mesh: RegisteredMesh, suspension: Suspension | null): Promise<void> {
  const { meshId } = mesh;
  await saveSuspension(work.tx, meshId, suspension, work.now);
  work.record({
    type: suspension ? "mesh.suspended" : "mesh.suspension-ended",
    subjects: [`mesh/${meshId}`],
    ...(suspension ? { fields: { reason: suspension.reason } } : {}),
    before: mesh.suspension ?? undefined,
    after: suspension ?? undefined,
  });
  await touchFederationsOf(work, meshId);
}

/** @throws {Refusal} `mesh-suspended` */
export async function requireNoneSuspended(db: Executor, meshIds: readonly string[]): Promise<void> {
  const [found] = await suspendedAmong(db, meshIds);
  if (found !== undefined) throw suspended(found);
}

/**
 * That nobody has changed anything for a suspended mesh: its tokens read, and take back. Held against what was recorded, so that no
 * change can leave it out; whoever speaks for other meshes too still changes things for those.
 * @throws {Refusal} `mesh-suspended`
 */
export async function requireUnsuspended({ tx, actor: { adminOf }, recorded }: Work): Promise<void> {
  if (adminOf === undefined) return;
  const done = recorded.filter((event) => event.outcome === "done" && !takesBack(event));
  if (done.length === 0) return;
  await requireNoneSuspended(tx, [...new Set(done.flatMap((event) => actedFor(event, adminOf)))]);
}

/**
 * The meshes of the token for which it was done: as it says; or those that it is about; or all. What another mesh had
 * consented to before is not the token's doing.
 */
function actedFor({ actingMesh, subjects }: Recorded, meshes: readonly string[]): readonly string[] {
  if (actingMesh !== null) return meshes.filter((meshId) => meshId === actingMesh);
  const named = meshes.filter((meshId) => subjects.includes(`mesh/${meshId}`));
  return named.length > 0 ? named : meshes;
}
