import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { pageOf } from "../../page.ts";
import { parseOptionalText, parseText } from "../../text.ts";
import { notFound } from "../access/caller.ts";
import type { Broker } from "../broker.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import {
  createdPoller,
  newPoller,
  pollerChange,
  pollerList,
  pollerParams,
  pollersParams,
  pollersQuery,
  pollerView,
  revokedPoller,
  viewHolds,
  viewPoller,
} from "./poller.schema.ts";
import { changePoller, createPoller, findPoller, listPollers, revokePoller } from "./poller.service.ts";
import { pollerUrls } from "./poller.ts";

const tag = "Pollers";

export const pollerEndpoints = (broker: Broker): Endpoint[] => [
  endpoint({
    method: "POST",
    path: "/v1/meshes/{meshId}/pollers",
    operationId: "createPoller",
    tag,
    summary: "Make a control plane's capability URL; the token is shown once",
    permission: "poller:change",
    params: pollersParams,
    body: newPoller,
    answer: createdPoller,
    refusals: ["not-found", "poller-name-taken", "invalid-text"],
    async handle({ params, body, token }) {
      const meshId = parseMeshId(params.meshId);
      const { name, cluster, dialectVersion, ...rest } = body;
      const asked = {
        ...rest,
        name: parseText(name, "/name"),
        cluster: parseOptionalText(cluster, "/cluster"),
        dialectVersion: parseOptionalText(dialectVersion, "/dialectVersion"),
      };
      const made = await broker.unitOfWork.run(token, (work) => createPoller(work, meshId, asked));
      return {
        body: {
          ...viewPoller(made.poller, broker.clock()),
          token: made.token,
          urls: pollerUrls(broker.publicUrls(), made.token),
        },
        location: `/v1/meshes/${meshId}/pollers/${made.poller.pollerId}`,
      };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/meshes/{meshId}/pollers",
    operationId: "listPollers",
    tag,
    summary: "List a mesh's pollers",
    permission: "poller:read",
    params: pollersParams,
    query: pollersQuery,
    answer: pollerList,
    refusals: ["not-found", "invalid-cursor"],
    async handle({ params, query }) {
      const found = await listPollers(
        broker.db,
        parseMeshId(params.meshId),
        fromCursor(query.cursor, ""),
        query.limit + 1,
      );
      const page = pageOf(found, query.limit, ({ pollerId }) => toCursor(pollerId));
      return { body: { ...page, pollers: page.items.map((poller) => viewPoller(poller, broker.clock())) } };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/meshes/{meshId}/pollers/{pollerId}",
    operationId: "readPoller",
    tag,
    summary: "Read a poller",
    permission: "poller:read",
    params: pollerParams,
    answer: pollerView,
    refusals: ["not-found"],
    async handle({ params }) {
      const poller = await findPoller(broker.db, parseMeshId(params.meshId), params.pollerId);
      if (!poller) throw notFound();
      return { body: viewPoller(poller, broker.clock()) };
    },
  }),
  endpoint({
    method: "PATCH",
    path: "/v1/meshes/{meshId}/pollers/{pollerId}",
    operationId: "changePoller",
    tag,
    summary: "Change what is said of a poller; its URL stays",
    permission: "poller:change",
    params: pollerParams,
    body: pollerChange,
    answer: pollerView,
    refusals: ["not-found", "poller-name-taken", "invalid-text"],
    async handle({ params, body, token }) {
      const { name, cluster, dialectVersion, ...rest } = body;
      const change = {
        ...rest,
        ...(name === undefined ? {} : { name: parseText(name, "/name") }),
        ...(cluster === undefined ? {} : { cluster: cluster === null ? null : parseText(cluster, "/cluster") }),
        ...(dialectVersion === undefined
          ? {}
          : { dialectVersion: dialectVersion === null ? null : parseText(dialectVersion, "/dialectVersion") }),
      };
      const meshId = parseMeshId(params.meshId);
      const changed = await broker.unitOfWork.run(token, (work) => changePoller(work, meshId, params.pollerId, change));
      return { body: viewPoller(changed, broker.clock()) };
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/v1/meshes/{meshId}/pollers/{pollerId}",
    operationId: "revokePoller",
    tag,
    summary: "Revoke a poller's URL; answers which bundles it still holds",
    permission: "poller:change",
    params: pollerParams,
    answer: revokedPoller,
    refusals: ["not-found", "already-ended"],
    async handle({ params, token }) {
      const meshId = parseMeshId(params.meshId);
      const { poller, holds } = await broker.unitOfWork.run(token, (work) =>
        revokePoller(work, meshId, params.pollerId),
      );
      return { body: { ...viewPoller(poller, broker.clock()), holds: viewHolds(holds) } };
    },
  }),
];
