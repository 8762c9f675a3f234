import Type, { type Static } from "typebox";
import { meshId, next, orNull, pageQuery, strictObject, text, time, trustDomain } from "../../http/schemas.ts";
import { toRfc3339 } from "../../time.ts";
import { DIALECTS, MAX_LABELS, type RegisteredMesh } from "./mesh.ts";

export const dialect = Type.Enum([...DIALECTS], { description: "What the control plane speaks." });
const labels = Type.Record(Type.String({ pattern: "^[a-z0-9A-Z._/-]{1,128}$" }), Type.String({ maxLength: 256 }), {
  description: "At most 64.",
  maxProperties: MAX_LABELS,
});

export const newMesh = strictObject(
  {
    meshId,
    trustDomain,
    displayName: Type.Optional(text("How people call it; the mesh ID where absent.")),
    dialect: Type.Optional(dialect),
    dialectVersion: Type.Optional(text("Version of the control plane.")),
    labels: Type.Optional(labels),
    listed: Type.Optional(
      Type.Boolean({ description: "Other meshes' admins find it in the directory. Default true." }),
    ),
  },
  { $id: "NewMesh" },
);

export const meshChange = strictObject(
  {
    displayName: Type.Optional(text("How people call it.")),
    dialect: Type.Optional(dialect),
    dialectVersion: Type.Optional(orNull(text("Version of the control plane."))),
    labels: Type.Optional(
      Type.Record(Type.String({ pattern: "^[a-z0-9A-Z._/-]{1,128}$" }), orNull(Type.String({ maxLength: 256 })), {
        description: "Merged (RFC 7396): null removes a label.",
        maxProperties: MAX_LABELS,
      }),
    ),
    listed: Type.Optional(Type.Boolean()),
  },
  { $id: "MeshChange", description: "JSON merge patch." },
);

const meshMembers = {
  meshId,
  trustDomain,
  membership: Type.Enum(["pending", "granted", "denied", "expelled"], {
    description: "Until `granted` by the trust domain's owner it publishes, reads and federates nothing.",
  }),
  displayName: Type.String(),
  dialect,
  dialectVersion: orNull(Type.String()),
  labels: Type.Record(Type.String(), Type.String()),
  listed: Type.Boolean(),
  registeredAt: time("When it was registered."),
  updatedAt: time("When it last changed."),
  links: strictObject({
    events: Type.String(),
    authorities: Type.String(),
    pollers: Type.String(),
    deliveries: Type.String(),
  }),
};
export const mesh = strictObject(meshMembers, { $id: "Mesh" });
export const registeredMesh = strictObject(
  {
    ...meshMembers,
    token: Type.Optional(
      Type.String({ description: "The first mesh-admin token, to a bearer of an invitation; shown once." }),
    ),
  },
  { $id: "RegisteredMesh" },
);

export const meshParams = strictObject({ meshId });
export const meshQuery = strictObject(pageQuery);
export const deleteQuery = strictObject({
  withdraw: Type.Boolean({ default: false, description: "Withdraw its open federations first." }),
});
export const meshList = strictObject({ meshes: Type.Array(mesh), next }, { $id: "MeshList" });
export const directory = strictObject(
  { meshes: Type.Array(strictObject({ meshId, trustDomain, displayName: Type.String() })), next },
  { $id: "Directory" },
);

export const viewMesh = (found: RegisteredMesh): Static<typeof mesh> => ({
  meshId: found.meshId,
  trustDomain: found.trustDomain,
  membership: found.membership,
  displayName: found.displayName,
  dialect: found.dialect,
  dialectVersion: found.dialectVersion,
  labels: { ...found.labels },
  listed: found.listed,
  registeredAt: toRfc3339(found.registeredAt),
  updatedAt: toRfc3339(found.updatedAt),
  links: {
    events: `/v1/audit-events?meshId=${found.meshId}`,
    authorities: `/v1/meshes/${found.meshId}/authorities`,
    pollers: `/v1/meshes/${found.meshId}/pollers`,
    deliveries: `/v1/meshes/${found.meshId}/deliveries`,
  },
});
