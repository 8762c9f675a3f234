import { accessesOfMesh, deleteAccessesOfMesh, findRevision, listRevisions, newestRevision } from "./bundle.store.ts";

export { accessesOfMesh, deleteAccessesOfMesh, findRevision, listRevisions, newestRevision };
