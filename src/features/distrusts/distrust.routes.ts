import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { parseText } from "../../text.ts";
import { notFound, referredTrustDomain } from "../access/caller.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import { distrustParams, distrustsParams, distrustView, newDistrust, viewDistrust } from "./distrust.schema.ts";
import { createDistrust, findDistrust, liftDistrust, listDistrusts } from "./distrust.service.ts";

const tag = "Distrusts";

export const distrustEndpoints: readonly Endpoint[] = [
  change({
    method: "POST",
    path: "/v1/meshes/{meshId}/distrusts",
    operationId: "distrust",
    tag,
    summary: "Stop trusting one authority of a trust domain, at once, for all pollers of the mesh and nobody else",
    permission: "distrust:change",
    params: distrustsParams,
    body: newDistrust,
    creates: true,
    answer: distrustView,
    refusals: ["not-found", "already-distrusted", "would-empty-bundle", "invalid-text"],
    async change(work, { params, body }) {
      const meshId = parseMeshId(params.meshId);
      const made = await createDistrust(work, meshId, {
        trustDomain: referredTrustDomain(body.trustDomain, "/trustDomain"),
        fingerprint: body.fingerprint,
        reason: parseText(body.reason, "/reason"),
        force: body.force ?? false,
      });
      return { body: viewDistrust(made), location: `/v1/meshes/${meshId}/distrusts/${made.distrustId}` };
    },
  }),
  list({
    path: "/v1/meshes/{meshId}/distrusts",
    operationId: "listDistrusts",
    tag,
    summary: "List what a mesh distrusts, and what it distrusted once",
    permission: "distrust:read",
    params: distrustsParams,
    plural: "distrusts",
    named: "DistrustList",
    item: distrustView,
    cursor: "text",
    refusals: ["not-found"],
    find: (db, { params }, { after = "", limit }) => listDistrusts(db, parseMeshId(params.meshId), after, limit),
    cursorOf: ({ distrustId }) => distrustId,
    view: viewDistrust,
  }),
  read({
    path: "/v1/meshes/{meshId}/distrusts/{distrustId}",
    operationId: "readDistrust",
    tag,
    summary: "Read a distrust",
    permission: "distrust:read",
    params: distrustParams,
    answer: distrustView,
    refusals: ["not-found"],
    async read(db, { params }) {
      const found = await findDistrust(db, parseMeshId(params.meshId), params.distrustId);
      if (!found) throw notFound();
      return { body: viewDistrust(found) };
    },
  }),
  change({
    method: "DELETE",
    path: "/v1/meshes/{meshId}/distrusts/{distrustId}",
    operationId: "liftDistrust",
    tag,
    summary: "Trust the authority again, where it is still published",
    permission: "distrust:change",
    params: distrustParams,
    answer: distrustView,
    refusals: ["not-found", "already-ended"],
    async change(work, { params }) {
      return { body: viewDistrust(await liftDistrust(work, parseMeshId(params.meshId), params.distrustId)) };
    },
  }),
];
