import Type, { type Static } from "typebox";
import { meshId, orNull, strictObject, text, time, trustDomain } from "../../http/schemas.ts";
import { pointerStep } from "../../json/pointer.ts";
import { parseName, parseText } from "../../text.ts";
import { toRfc3339 } from "../../time.ts";
import { DIALECTS, MAX_LABELS, type MeshChange, type RegisteredMesh } from "./mesh.ts";

export const dialect = Type.Enum([...DIALECTS], { description: "What the control plane speaks." });
/** A pattern of the record's own would leave every other name, and its value, unchecked. */
const labelNames = { propertyNames: { pattern: "^[a-z0-9A-Z._/-]{1,128}$" }, maxProperties: MAX_LABELS };

export const labels = Type.Record(Type.String(), Type.String({ maxLength: 256 }), {
  description: "At most 64.",
  ...labelNames,
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
      Type.Record(Type.String(), orNull(Type.String({ maxLength: 256 })), {
        description: "Merged (RFC 7396): null removes a label.",
        ...labelNames,
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
  suspendedAt: orNull(time("When an operator suspended it; null where it is not.")),
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

/** @throws {Refusal} `invalid-text` */
export function parseMeshChange(asked: Static<typeof meshChange>): MeshChange {
  const { displayName, dialectVersion, labels, ...rest } = asked;
  return {
    ...rest,
    ...(displayName === undefined ? {} : { displayName: parseName(displayName, "/displayName") }),
    ...(dialectVersion === undefined
      ? {}
      : { dialectVersion: dialectVersion === null ? null : parseName(dialectVersion, "/dialectVersion") }),
    ...(labels === undefined ? {} : { labels: parseLabels(labels) }),
  };
}

/** Values are free text (S6); the schema holds the names. */
export function parseLabels<V extends string | null>(labels: Record<string, V>): Record<string, V | string> {
  const parsed = (name: string, value: V) => (value === null ? value : parseText(value, `/labels${pointerStep(name)}`));
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, parsed(name, value)]));
}

export const meshParams = strictObject({ meshId });
export const meshFilter = {
  labelSelector: Type.Optional(
    Type.String({
      maxLength: 1_024,
      description:
        "Kubernetes' label selector: `env=prod,tier!=db,region,!legacy,zone in (a,b),rack notin (c)`. At most 16 requirements.",
    }),
  ),
};
export const deleteQuery = strictObject({
  withdraw: Type.Boolean({ default: false, description: "Withdraw its open federations first." }),
  force: Type.Boolean({
    default: false,
    description: "Take its authorities along though the other members' bundle has no others of their type.",
  }),
});
export const directoryEntry = strictObject({ meshId, trustDomain, displayName: Type.String() });

export const viewMesh = (found: RegisteredMesh): Static<typeof mesh> => ({
  meshId: found.meshId,
  trustDomain: found.trustDomain,
  membership: found.membership,
  displayName: found.displayName,
  dialect: found.dialect,
  dialectVersion: found.dialectVersion,
  labels: { ...found.labels },
  listed: found.listed,
  suspendedAt: found.suspension && toRfc3339(found.suspension.at),
  registeredAt: toRfc3339(found.registeredAt),
  updatedAt: toRfc3339(found.updatedAt),
  links: {
    events: `/v1/audit-events?meshId=${found.meshId}`,
    authorities: `/v1/meshes/${found.meshId}/authorities`,
    pollers: `/v1/meshes/${found.meshId}/pollers`,
    deliveries: `/v1/meshes/${found.meshId}/deliveries`,
  },
});
