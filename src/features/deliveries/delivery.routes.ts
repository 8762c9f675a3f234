import { type Endpoint, list } from "../../http/endpoint.ts";
import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import { referredTrustDomain } from "../access/caller.ts";
import { type MeshId, parseMeshId } from "../meshes/mesh-id.ts";
import { trustDomainParams } from "../trust-domains/trust-domain.schema.ts";
import { delivery, holder, ledgerParams, viewDelivery, viewHolder } from "./delivery.schema.ts";
import { heldByMesh, holdersOf } from "./delivery.service.ts";

const tag = "Deliveries";

export const deliveryEndpoints: readonly Endpoint[] = [
  list({
    path: "/v1/meshes/{meshId}/deliveries",
    operationId: "listDeliveries",
    tag,
    summary: "List what a mesh's pollers hold, by the ledger",
    permission: "delivery:read",
    params: ledgerParams,
    plural: "deliveries",
    named: "DeliveryList",
    item: delivery,
    cursor: "text",
    refusals: ["not-found"],
    find: (db, { params }, { after, limit }) =>
      heldByMesh(db, parseMeshId(params.meshId), pollerIn<TrustDomain>(after), limit),
    cursorOf: ({ trustDomain, pollerId }) => `${trustDomain}/${pollerId}`,
    view: viewDelivery,
  }),
  list({
    path: "/v1/trust-domains/{trustDomain}/deliveries",
    operationId: "listHolders",
    tag,
    summary: "List who holds a trust domain's bundle, by the ledger",
    permission: "delivery:read",
    params: trustDomainParams,
    plural: "deliveries",
    named: "HolderList",
    item: holder,
    cursor: "text",
    refusals: ["not-found"],
    find: (db, { params, token }, { after, limit }) =>
      holdersOf(db, token.scope, referredTrustDomain(params.trustDomain), pollerIn<MeshId>(after), limit),
    cursorOf: ({ meshId, pollerId }) => `${meshId}/${pollerId}`,
    view: viewHolder,
  }),
];

/** A cursor is the broker's own: whoever changed one has been refused. */
function pollerIn<Group extends string>(cursor = "/"): { group: Group | ""; pollerId: string } {
  const [group = "", pollerId = ""] = cursor.split("/");
  return { group: group as Group, pollerId };
}
