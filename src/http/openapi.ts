import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";
import "./request-context.ts";
import { type ContractDocument, finishContract, type OperationExamples } from "./contract-document.ts";
import recorded from "./examples.json" with { type: "json" };
import { type Answers, responsesOf } from "./operation-schema.ts";

/** The frame of openapi.yaml; the operations come from the endpoints. */
export const openApiOptions: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: "3.1.0",
    info: {
      title: "Entente admin API",
      version: "1.0.0",
      description:
        "Registers meshes, their authorities and federations, and tells what happened. Bundles are fetched from the bundle endpoint, " +
        "a listener of its own. Errors are problem documents (RFC 9457) with a stable `code`: see docs/errors.md.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "https://127.0.0.1:8440", description: "The default address." }],
    security: [{ bearer: [] }],
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "A token, or an invitation where a mesh is registered.",
        },
      },
    },
    tags: [
      { name: "Invitations", description: "An operator's approval that somebody registers a mesh." },
      { name: "Meshes", description: "Administrative domains of workloads." },
      { name: "Trust domains", description: "One bundle each, an owner and members." },
      { name: "Authorities", description: "CA certificates and JWT signing keys." },
      { name: "Shared keys", description: "Keys that two trust domains may both hold." },
      { name: "Federations", description: "Agreements between two meshes." },
      { name: "Pollers", description: "Control planes that fetch bundles." },
      { name: "Deliveries", description: "Who holds which revision." },
      { name: "Distrusts", description: "Authorities of peers that a mesh has stopped trusting by itself." },
      { name: "Tokens", description: "Credentials of the admin API." },
      { name: "Break-glass", description: "What an operator may do in a mesh's place, where that is on." },
      { name: "Audit", description: "What happened, and what was refused." },
      { name: "Health", description: "Liveness, readiness, metrics." },
    ],
  },
  transform: ({ schema, url, route }) => ({
    schema: route.config?.endpoint
      ? { ...schema, response: responsesOf(route.config.endpoint, schema.response as Answers) }
      : schema,
    url,
  }),
  transformObject: (made) => {
    const { openapiObject } = made as unknown as { openapiObject: ContractDocument };
    return finishContract(openapiObject, recorded as OperationExamples) as object;
  },
  refResolver: { buildLocalReference: (json) => String(json.$id) },
};
