import type { Executor } from "../../store/tables.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { federationsOfMesh } from "./federation.store.ts";

/** Every mesh that this one has, or had, a federation with. */
export async function peersOf(db: Executor, meshId: MeshId): Promise<ReadonlySet<string>> {
  const federations = await federationsOfMesh(db, meshId);
  return new Set(federations.flatMap(({ parties }) => parties.map((party) => party.meshId)));
}
