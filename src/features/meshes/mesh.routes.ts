import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { pageOf } from "../../page.ts";
import { parseTrustDomain } from "../../spiffe/trust-domain.ts";
import { parseOptionalText, parseText } from "../../text.ts";
import type { Broker } from "../broker.ts";
import {
  deleteQuery,
  directory,
  mesh,
  meshChange,
  meshList,
  meshParams,
  meshQuery,
  newMesh,
  registeredMesh,
  viewMesh,
} from "./mesh.schema.ts";
import { changeMesh, deleteMesh, listDirectory, listMeshes, readMesh, registerMesh } from "./mesh.service.ts";
import { parseMeshId } from "./mesh-id.ts";

const tag = "Meshes";

export const meshEndpoints = (broker: Broker): Endpoint[] => [
  endpoint({
    method: "POST",
    path: "/v1/meshes",
    operationId: "registerMesh",
    tag,
    summary: "Register a mesh, with an operator's token or an invitation",
    permission: "mesh:register",
    body: newMesh,
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
    async handle({ body, caller }) {
      const meshId = parseMeshId(body.meshId, "/meshId");
      const asked = {
        meshId,
        trustDomain: parseTrustDomain(body.trustDomain, "/trustDomain"),
        displayName: parseText(body.displayName ?? meshId, "/displayName"),
        dialect: body.dialect ?? "other",
        dialectVersion: parseOptionalText(body.dialectVersion, "/dialectVersion"),
        labels: parseLabels(body.labels ?? {}),
        listed: body.listed ?? true,
      };
      const defaults = {
        brokerTrustDomain: broker.trustDomain,
        refreshHintSeconds: broker.refreshHintSeconds,
        tokenSeconds: broker.tokenLives.defaultSeconds,
      };
      const registered = await broker.unitOfWork.run(caller, (work) => registerMesh(work, caller, asked, defaults));
      const secret = registered.secret === undefined ? {} : { token: registered.secret };
      return { body: { ...viewMesh(registered.mesh), ...secret }, location: `/v1/meshes/${meshId}` };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/meshes",
    operationId: "listMeshes",
    tag,
    summary: "List the meshes that the credential reaches",
    permission: "mesh:read",
    query: meshQuery,
    answer: meshList,
    refusals: ["invalid-cursor"],
    async handle({ query, token }) {
      const found = await listMeshes(broker.db, token.scope, fromCursor(query.cursor, ""), query.limit + 1);
      const page = pageOf(found, query.limit, ({ meshId }) => toCursor(meshId));
      return { body: { ...page, meshes: page.items.map(viewMesh) } };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/directory",
    operationId: "listDirectory",
    tag,
    summary: "Find listed meshes to federate with",
    permission: "directory:read",
    query: meshQuery,
    answer: directory,
    refusals: ["invalid-cursor"],
    async handle({ query }) {
      const found = await listDirectory(broker.db, fromCursor(query.cursor, ""), query.limit + 1);
      const page = pageOf(found, query.limit, ({ meshId }) => toCursor(meshId));
      const meshes = page.items.map(({ meshId, trustDomain, displayName }) => ({ meshId, trustDomain, displayName }));
      return { body: { ...page, meshes } };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/meshes/{meshId}",
    operationId: "readMesh",
    tag,
    summary: "Read a mesh",
    permission: "mesh:read",
    params: meshParams,
    answer: mesh,
    refusals: ["not-found"],
    async handle({ params }) {
      return { body: viewMesh(await readMesh(broker.db, parseMeshId(params.meshId))) };
    },
  }),
  endpoint({
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
    async handle({ params, body, token }) {
      const { displayName, dialectVersion, labels, ...rest } = body;
      const change = {
        ...rest,
        ...(displayName === undefined ? {} : { displayName: parseText(displayName, "/displayName") }),
        ...(dialectVersion === undefined
          ? {}
          : { dialectVersion: dialectVersion === null ? null : parseText(dialectVersion, "/dialectVersion") }),
        ...(labels === undefined ? {} : { labels: parseLabels(labels) }),
      };
      const changed = await broker.unitOfWork.run(token, (work) =>
        changeMesh(work, parseMeshId(params.meshId), change),
      );
      return { body: viewMesh(changed) };
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/v1/meshes/{meshId}",
    operationId: "deleteMesh",
    tag,
    summary: "Take a mesh out; its ID is never used again",
    permission: "mesh:delete",
    params: meshParams,
    query: deleteQuery,
    answer: nothing,
    refusals: ["not-found", "mesh-has-federations", "trust-domain-has-members"],
    async handle({ params, query, token }) {
      await broker.unitOfWork.run(token, (work) => deleteMesh(work, token, parseMeshId(params.meshId), query.withdraw));
      return { body: {} };
    },
  }),
];

function parseLabels<V extends string | null>(labels: Record<string, V>): Record<string, V> {
  for (const [name, value] of Object.entries(labels)) if (value !== null) parseText(value, `/labels/${name}`);
  return labels;
}
