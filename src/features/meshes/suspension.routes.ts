import { change, type Endpoint, read } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { parseText } from "../../text.ts";
import { meshParams } from "./mesh.schema.ts";
import { parseMeshId } from "./mesh-id.ts";
import { newSuspension, suspensionView, viewSuspension } from "./suspension.schema.ts";
import { endSuspension, readSuspension, suspendMesh } from "./suspension.service.ts";

const tag = "Meshes";
const path = "/v1/meshes/{meshId}/suspension";

export const suspensionEndpoints: readonly Endpoint[] = [
  change({
    method: "POST",
    path,
    operationId: "suspendMesh",
    tag,
    summary:
      "Suspend a mesh: it and its peers get tombstones of each other at once, and its tokens only read and take back",
    permission: "mesh:suspend",
    params: meshParams,
    body: newSuspension,
    creates: true,
    answer: suspensionView,
    refusals: ["not-found", "mesh-suspended", "invalid-text"],
    async change(work, { params, body }) {
      const meshId = parseMeshId(params.meshId);
      const suspension = await suspendMesh(work, meshId, parseText(body.reason, "/reason"));
      return { body: viewSuspension(meshId, suspension), location: `/v1/meshes/${meshId}/suspension` };
    },
  }),
  read({
    path,
    operationId: "readSuspension",
    tag,
    summary: "Read why and since when a mesh is suspended; 404 where it is not",
    permission: "mesh:read",
    params: meshParams,
    answer: suspensionView,
    refusals: ["not-found"],
    async read(db, { params }) {
      const meshId = parseMeshId(params.meshId);
      return { body: viewSuspension(meshId, await readSuspension(db, meshId)) };
    },
  }),
  change({
    method: "DELETE",
    path,
    operationId: "endSuspension",
    tag,
    summary: "End a suspension: everything is served again",
    permission: "mesh:suspend",
    params: meshParams,
    answer: nothing,
    refusals: ["not-found"],
    async change(work, { params }) {
      await endSuspension(work, parseMeshId(params.meshId));
      return { body: {} };
    },
  }),
];
