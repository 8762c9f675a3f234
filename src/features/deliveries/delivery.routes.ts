import { type Endpoint, read } from "../../http/endpoint.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import { ledger, ledgerParams, viewAsConsumer, viewAsProvider } from "./delivery.schema.ts";
import { ledgerOf } from "./delivery.service.ts";

export const deliveryEndpoints: readonly Endpoint[] = [
  read({
    path: "/v1/meshes/{meshId}/deliveries",
    operationId: "readDeliveries",
    tag: "Deliveries",
    summary: "Who holds which revision, by the ledger",
    permission: "delivery:read",
    params: ledgerParams,
    answer: ledger,
    refusals: ["not-found"],
    async read(db, { params }) {
      const { asConsumer, asProvider } = await ledgerOf(db, parseMeshId(params.meshId));
      return { body: { asConsumer: asConsumer.map(viewAsConsumer), asProvider: asProvider.map(viewAsProvider) } };
    },
  }),
];
