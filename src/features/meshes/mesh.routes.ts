import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { parseLabelSelector } from "../../label-selector.ts";
import { parseTrustDomain } from "../../spiffe/trust-domain.ts";
import { parseName } from "../../text.ts";
import type { Broker } from "../broker.ts";
import { deleteMesh } from "./deletion.service.ts";
import {
  deleteQuery,
  directoryEntry,
  mesh,
  meshChange,
  meshFilter,
  meshParams,
  newMesh,
  parseLabels,
  parseMeshChange,
  registeredMesh,
  viewMesh,
} from "./mesh.schema.ts";
import { changeMesh, listDirectory, listMeshes, readMesh, registerMesh, repeatRegistration } from "./mesh.service.ts";
import { parseMeshId } from "./mesh-id.ts";

const tag = "Meshes";

export const meshEndpoints = (broker: Broker): Endpoint[] => [
  change({
    method: "POST",
    path: "/v1/meshes",
    operationId: "registerMesh",
    tag,
    summary: "Register a mesh, with an operator's token or an invitation",
    permission: "mesh:register",
    body: newMesh,
    creates: true,
    shownOnce: { secrets: ["token"], of: "meshId" },
    answer: registeredMesh,
    refusals: [
      "invalid-mesh-id",
      "invalid-trust-domain",
      "invalid-text",
      "invitation-mismatch",
      "mesh-id-taken",
      "trust-domain-reserved",
      "trust-domain-freed",
    ],
    async change(work, { body, caller }) {
      const meshId = parseMeshId(body.meshId, "/meshId");
      const asked = {
        meshId,
        trustDomain: parseTrustDomain(body.trustDomain, "/trustDomain"),
        displayName: parseName(body.displayName ?? meshId, "/displayName"),
        dialect: body.dialect ?? "other",
        dialectVersion: body.dialectVersion === undefined ? null : parseName(body.dialectVersion, "/dialectVersion"),
        labels: parseLabels(body.labels ?? {}),
        listed: body.listed ?? true,
      };
      const defaults = {
        brokerTrustDomain: broker.trustDomain,
        refreshHintSeconds: broker.refreshHintSeconds,
        tokenSeconds: broker.tokenLives.defaultSeconds,
      };
      const registered = await registerMesh(work, caller, asked, defaults);
      const secret = registered.secret === undefined ? {} : { token: registered.secret };
      return { body: { ...viewMesh(registered.mesh), ...secret }, location: `/v1/meshes/${meshId}` };
    },
    async reissue(work, { body, caller }) {
      if (caller.kind !== "invitation") return undefined;
      const meshId = parseMeshId(body.meshId, "/meshId");
      const again = await repeatRegistration(work, meshId, broker.tokenLives.defaultSeconds);
      return again && { body: { ...viewMesh(again.mesh), token: again.secret }, location: `/v1/meshes/${meshId}` };
    },
  }),
  list({
    path: "/v1/meshes",
    operationId: "listMeshes",
    tag,
    summary: "List the meshes that the credential reaches",
    permission: "mesh:read",
    query: meshFilter,
    plural: "meshes",
    named: "MeshList",
    item: mesh,
    cursor: "text",
    refusals: ["invalid-label-selector", "invalid-text"],
    find: (db, { query, token }, { after = "", limit }) =>
      listMeshes(db, token.scope, parseLabelSelector(query.labelSelector ?? ""), after, limit),
    cursorOf: ({ meshId }) => meshId,
    view: viewMesh,
  }),
  list({
    path: "/v1/directory",
    operationId: "listDirectory",
    tag,
    summary: "Find listed meshes to federate with",
    permission: "directory:read",
    plural: "meshes",
    named: "Directory",
    item: directoryEntry,
    cursor: "text",
    refusals: [],
    find: (db, _call, { after = "", limit }) => listDirectory(db, after, limit),
    cursorOf: ({ meshId }) => meshId,
    view: ({ meshId, trustDomain, displayName }) => ({ meshId, trustDomain, displayName }),
  }),
  read({
    path: "/v1/meshes/{meshId}",
    operationId: "readMesh",
    tag,
    summary: "Read a mesh",
    permission: "mesh:read",
    params: meshParams,
    answer: mesh,
    refusals: ["not-found"],
    async read(db, { params }) {
      return { body: viewMesh(await readMesh(db, parseMeshId(params.meshId))) };
    },
  }),
  change({
    method: "PATCH",
    path: "/v1/meshes/{meshId}",
    operationId: "changeMesh",
    tag,
    summary: "Change what a mesh says of itself",
    permission: "mesh:change",
    params: meshParams,
    body: meshChange,
    answer: mesh,
    refusals: ["not-found", "invalid-text"],
    async change(work, { params, body }) {
      const changed = await changeMesh(work, parseMeshId(params.meshId), parseMeshChange(body));
      return { body: viewMesh(changed) };
    },
  }),
  change({
    method: "DELETE",
    path: "/v1/meshes/{meshId}",
    operationId: "deleteMesh",
    tag,
    summary: "Take a mesh out; its ID is never used again",
    permission: "mesh:delete",
    params: meshParams,
    query: deleteQuery,
    answer: nothing,
    refusals: ["not-found", "mesh-has-federations", "trust-domain-has-members", "would-empty-bundle"],
    async change(work, { params, query, token }) {
      await deleteMesh(work, token, parseMeshId(params.meshId), query);
      return { body: {} };
    },
  }),
];
