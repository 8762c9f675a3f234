import Type, { type Static } from "typebox";
import { meshId, saidText, strictObject, time } from "../../http/schemas.ts";
import { toRfc3339 } from "../../time.ts";
import type { Suspension } from "./mesh.ts";
import type { MeshId } from "./mesh-id.ts";

export const newSuspension = strictObject(
  { reason: saidText("Why, for the audit trail and the mesh's own people; its peers do not see it.") },
  { $id: "NewSuspension" },
);
export const suspensionView = strictObject(
  {
    meshId,
    suspendedAt: time("Since when nothing is served across."),
    suspendedBy: Type.String({ description: "The operator's token." }),
    reason: Type.String(),
  },
  { $id: "Suspension" },
);

export const viewSuspension = (meshIdOf: MeshId, { at, by, reason }: Suspension): Static<typeof suspensionView> => ({
  meshId: meshIdOf,
  suspendedAt: toRfc3339(at),
  suspendedBy: by,
  reason,
});
