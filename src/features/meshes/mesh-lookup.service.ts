import { findMesh, isMeshThere } from "./mesh.store.ts";

/** The mesh with this ID and its membership; undefined when it is absent or deleted. What other features read of a mesh. */
export const meshNamed = findMesh;

export { isMeshThere };
