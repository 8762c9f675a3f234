import { Refusal } from "../../errors.ts";
import type { MeshId } from "../meshes/mesh-id.ts";

/** How many a mesh may have of each (S22). */
export interface Quotas {
  readonly authoritiesPerMesh: number;
  readonly federationsPerMesh: number;
  readonly tokensPerMesh: number;
  readonly pollersPerMesh: number;
  readonly federationCodesPerMesh: number;
  readonly revisionsPerHour: number;
}

const COUNTED: Readonly<Record<keyof Quotas, string>> = {
  authoritiesPerMesh: "published authorities",
  federationsPerMesh: "open federations",
  tokensPerMesh: "tokens",
  pollersPerMesh: "pollers",
  federationCodesPerMesh: "open federation codes",
  revisionsPerHour: "revisions of its trust domain's bundle an hour",
};

/**
 * @param isOwn whether it is said to the mesh itself: another is told no number of it (S21)
 * @throws {Refusal} `quota-exceeded` when a mesh would have more than it may have
 */
export function checkQuota(quotas: Quotas, quota: keyof Quotas, meshId: MeshId, count: number, isOwn: boolean): void {
  if (count <= quotas[quota]) return;
  const extra = { quota: `limits.${quota}` };
  if (!isOwn)
    throw new Refusal("quota-exceeded", `the other side has as many ${COUNTED[quota]} as it may have`, { extra });
  throw new Refusal("quota-exceeded", `${meshId} may have ${quotas[quota]} ${COUNTED[quota]}`, {
    extra: { ...extra, meshId },
  });
}
