import type { Refusal } from "../../errors.ts";
import type { Subject } from "../../store/event.ts";
import { systemActor } from "../../store/event.ts";
import type { UnitOfWork } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import type { Caller, TokenCaller } from "../access/caller.ts";
import { noteInvitationRefused } from "../access/invitation.service.ts";
import { reaches } from "../access/role.ts";
import type { RefusalTally } from "./refusals.ts";

/** A change that a known caller asked for and did not get. */
export interface RefusedChange {
  readonly caller: Caller;
  readonly operationId: string;
  readonly refusal: Refusal;
  /** The mesh in the request's path, as it was sent. */
  readonly meshId: string | undefined;
}

/**
 * Records a refused change in a unit of work of its own, its work having been rolled back: at most so many a minute
 * a caller singly, the rest counted (S70). An invitation's refusals are counted on it too.
 */
export async function recordRefusal(
  unitOfWork: UnitOfWork,
  tally: RefusalTally,
  refused: RefusedChange,
  now: EpochMs,
): Promise<void> {
  const { caller, operationId, refusal } = refused;
  const singly = tally.admits(caller.id, now);
  if (!singly && caller.kind === "token") return;
  await unitOfWork.run(caller, async (work) => {
    if (caller.kind === "invitation") await noteInvitationRefused(work, caller.invitation.invitationId);
    if (!singly) return;
    work.record({
      type: "request.refused",
      outcome: "refused",
      subjects: [`${caller.kind}/${caller.id}`, ...ownMeshes(refused)],
      ...actingMesh(refused),
      fields: { operationId, code: refusal.code, pointer: refusal.pointer ?? null },
    });
  });
}

/** A mesh that the caller does not reach learns nothing of the attempt, nor the caller whether the mesh exists. */
function ownMeshes({ caller, meshId }: RefusedChange): Subject[] {
  if (caller.kind !== "token" || caller.scope.all) return [];
  const spoken = spokenFor(caller, meshId);
  return spoken === undefined ? [] : [`mesh/${spoken}`];
}

function actingMesh({ caller, meshId }: RefusedChange): { actingMesh?: string } {
  if (caller.kind !== "token" || caller.scope.all) return {};
  const acting = spokenFor(caller, meshId);
  return acting === undefined ? {} : { actingMesh: acting };
}

/** The mesh that an attempt spoke for. Which others a token speaks for is none of each one's business (S21). */
function spokenFor(caller: TokenCaller, meshId: string | undefined): string | undefined {
  if (meshId !== undefined && reaches(caller.scope, meshId)) return meshId;
  return caller.meshes.length === 1 ? caller.meshes[0] : undefined;
}

/** Says in one event what was only counted since the last one. */
export async function recordCounts(unitOfWork: UnitOfWork, tally: RefusalTally): Promise<void> {
  const counts = tally.take();
  if (Object.keys(counts).length === 0) return;
  try {
    await unitOfWork.run(systemActor, async (work) => {
      work.record({ type: "refusals.counted", subjects: [], outcome: "refused", fields: { ...counts } });
    });
  } catch (error) {
    for (const [kind, times] of Object.entries(counts)) tally.count(kind as keyof typeof counts, times);
    throw error;
  }
}
