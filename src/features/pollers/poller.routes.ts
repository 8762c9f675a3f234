import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { parseName } from "../../text.ts";
import { notFound } from "../access/caller.ts";
import type { Broker } from "../broker.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import {
  createdPoller,
  newPoller,
  parsePollerChange,
  pollerChange,
  pollerParams,
  pollerRotation,
  pollersParams,
  pollerView,
  revokedPoller,
  viewHolds,
  viewPoller,
} from "./poller.schema.ts";
import { changePoller, createPoller, findPoller, listPollers, revokePoller, rotatePoller } from "./poller.service.ts";
import { pollerUrls, URL_OVERLAP_SECONDS } from "./poller.ts";

const tag = "Pollers";

export const pollerEndpoints = (broker: Broker): Endpoint[] => [
  change({
    method: "POST",
    path: "/v1/meshes/{meshId}/pollers",
    operationId: "createPoller",
    tag,
    summary: "Make a control plane's capability URL; the token is shown once",
    permission: "poller:change",
    params: pollersParams,
    body: newPoller,
    creates: true,
    shownOnce: { secrets: ["token", "urls"], of: "pollerId" },
    answer: createdPoller,
    refusals: ["not-found", "poller-name-taken", "invalid-text", "quota-exceeded"],
    async change(work, { params, body }) {
      const meshId = parseMeshId(params.meshId);
      const { name, expiresInSeconds, ...rest } = body;
      const life = expiresInSeconds === undefined ? {} : { expiresInSeconds };
      const asked = { ...parsePollerChange(rest), ...life, name: parseName(name, "/name") };
      const made = await createPoller(work, meshId, asked);
      return {
        body: {
          ...viewPoller(made.poller, work.now),
          token: made.token,
          urls: pollerUrls(broker.publicUrls(), made.token),
        },
        location: `/v1/meshes/${meshId}/pollers/${made.poller.pollerId}`,
      };
    },
  }),
  list({
    path: "/v1/meshes/{meshId}/pollers",
    operationId: "listPollers",
    tag,
    summary: "List a mesh's pollers",
    permission: "poller:read",
    params: pollersParams,
    plural: "pollers",
    named: "PollerList",
    item: pollerView,
    cursor: "text",
    refusals: ["not-found"],
    find: (db, { params }, { after = "", limit }) => listPollers(db, parseMeshId(params.meshId), after, limit),
    cursorOf: ({ pollerId }) => pollerId,
    view: (poller) => viewPoller(poller, broker.clock()),
  }),
  read({
    path: "/v1/meshes/{meshId}/pollers/{pollerId}",
    operationId: "readPoller",
    tag,
    summary: "Read a poller",
    permission: "poller:read",
    params: pollerParams,
    answer: pollerView,
    refusals: ["not-found"],
    async read(db, { params }) {
      const poller = await findPoller(db, parseMeshId(params.meshId), params.pollerId);
      if (!poller) throw notFound();
      return { body: viewPoller(poller, broker.clock()) };
    },
  }),
  change({
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
    async change(work, { params, body }) {
      const meshId = parseMeshId(params.meshId);
      const changed = await changePoller(work, meshId, params.pollerId, parsePollerChange(body));
      return { body: viewPoller(changed, work.now) };
    },
  }),
  change({
    method: "DELETE",
    path: "/v1/meshes/{meshId}/pollers/{pollerId}",
    operationId: "revokePoller",
    tag,
    summary: "Revoke a poller's URL; answers which bundles it still holds",
    permission: "poller:change",
    params: pollerParams,
    answer: revokedPoller,
    refusals: ["not-found", "already-ended"],
    async change(work, { params }) {
      const meshId = parseMeshId(params.meshId);
      const { poller, holds } = await revokePoller(work, meshId, params.pollerId);
      return { body: { ...viewPoller(poller, work.now), holds: viewHolds(holds) } };
    },
  }),
  change({
    method: "POST",
    path: "/v1/meshes/{meshId}/pollers/{pollerId}/rotations",
    operationId: "rotatePoller",
    tag,
    summary: "Give a poller another URL; the one that it has serves until the overlap ends",
    permission: "poller:change",
    params: pollerParams,
    body: pollerRotation,
    shownOnce: { secrets: ["token", "urls"], of: "pollerId" },
    answer: createdPoller,
    refusals: ["not-found", "already-ended", "quota-exceeded"],
    async change(work, { params, body }) {
      const meshId = parseMeshId(params.meshId);
      const overlapSeconds = body.overlapSeconds ?? URL_OVERLAP_SECONDS;
      const { poller, token } = await rotatePoller(work, meshId, params.pollerId, overlapSeconds);
      return { body: { ...viewPoller(poller, work.now), token, urls: pollerUrls(broker.publicUrls(), token) } };
    },
  }),
];
