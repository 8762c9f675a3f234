import type { IncomingMessage } from "node:http";
import swagger from "@fastify/swagger";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
} from "fastify";
import { invitationEndpoints } from "./features/access/invitation.routes.ts";
import { tokenEndpoints } from "./features/access/token.routes.ts";
import { auditEndpoints } from "./features/audit/audit.routes.ts";
import { authorityEndpoints } from "./features/authorities/authority.routes.ts";
import { proofEndpoints } from "./features/authorities/proof.routes.ts";
import { breakGlassEndpoints } from "./features/break-glass/break-glass.routes.ts";
import type { Broker } from "./features/broker.ts";
import { brokerCaEndpoints } from "./features/broker-ca/broker-ca.routes.ts";
import { revisionEndpoints } from "./features/bundles/revision.routes.ts";
import { deliveryEndpoints } from "./features/deliveries/delivery.routes.ts";
import { distrustEndpoints } from "./features/distrusts/distrust.routes.ts";
import { federationCodeEndpoints } from "./features/federation-codes/federation-code.routes.ts";
import { federationEndpoints } from "./features/federations/federation.routes.ts";
import { type Health, healthEndpoints } from "./features/health/health.routes.ts";
import { meshDocumentEndpoints } from "./features/mesh-documents/mesh-document.routes.ts";
import { meshEndpoints } from "./features/meshes/mesh.routes.ts";
import { suspensionEndpoints } from "./features/meshes/suspension.routes.ts";
import { pollerEndpoints } from "./features/pollers/poller.routes.ts";
import { sharedKeyEndpoints } from "./features/shared-keys/shared-key.routes.ts";
import { transferEndpoints } from "./features/trust-domains/transfer.routes.ts";
import { trustDomainEndpoints } from "./features/trust-domains/trust-domain.routes.ts";
import type { AdmissionParts } from "./http/admission.ts";
import { answerErrors, frameworkErrors, type RefusalListener } from "./http/error-answers.ts";
import { readJsonBodies } from "./http/json-body.ts";
import { mountEndpoints, requirePermissions } from "./http/mount.ts";
import { openApiOptions } from "./http/openapi.ts";
import { checkHosts } from "./http/own-host.ts";
import { permitReference, serveReference } from "./http/reference.ts";
import { checkHeads } from "./http/request-head.ts";
import { logRequests } from "./http/request-log.ts";
import { unreadableAnswer } from "./http/unreadable-answer.ts";
import type { ConnectionCounter } from "./listener/connection-counts.ts";
import { type ConnectionGuard, guardConnections } from "./listener/connection-guard.ts";
import { serverOptions } from "./listener/server-options.ts";
import { pathAndQuery } from "./request-target.ts";

/** Everything that the admin API is built from; it reads no environment and starts nothing. */
export interface AppParts extends AdmissionParts {
  readonly health: Health;
  readonly refusals: RefusalListener;
  /** Names and addresses that the listener's certificate may be known by. */
  readonly hosts: ReadonlySet<string>;
  readonly logger: FastifyBaseLogger;
  /** TLS options of the listener; without them the app serves `inject` alone. */
  readonly https?: object;
  /** What becomes of the listener's connections. */
  readonly connections: ConnectionCounter;
  /** The request's own ID; a caller's is never adopted (S56). */
  readonly newRequestId: () => string;
}

/** Every operation of the admin API. A noun that is not in this list does not exist. */
export const endpointsOf = ({ broker, health }: Pick<AppParts, "health"> & { readonly broker: Broker }) => [
  ...invitationEndpoints(broker),
  ...meshEndpoints(broker),
  ...meshDocumentEndpoints(broker),
  ...suspensionEndpoints,
  ...trustDomainEndpoints(broker),
  ...transferEndpoints,
  ...revisionEndpoints(broker),
  ...authorityEndpoints,
  ...proofEndpoints,
  ...sharedKeyEndpoints,
  ...federationEndpoints(broker),
  ...federationCodeEndpoints(broker),
  ...pollerEndpoints(broker),
  ...deliveryEndpoints,
  ...distrustEndpoints,
  ...tokenEndpoints(broker),
  ...breakGlassEndpoints(broker),
  ...brokerCaEndpoints(broker),
  ...auditEndpoints,
  ...healthEndpoints(health),
];

/** The admin API, ready to listen. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const endpoints = endpointsOf(parts);
  const app = Fastify(fastifyOptions(parts));
  permitReference(app);
  requirePermissions(app);
  readJsonBodies(app);
  logRequests(app);
  answerErrors(app, endpoints, parts.refusals);
  checkHeads(app);
  checkHosts(app, parts.hosts);
  const guard = guardAdmin(app, parts);
  const onAuthenticated: AppParts["onAuthenticated"] = (caller, source) => {
    guard.noteSuccess(source);
    parts.onAuthenticated(caller, source);
  };
  await app.register(swagger, openApiOptions);
  await serveReference(app);
  app.register(async (scope) => mountEndpoints(scope, endpoints, { ...parts, onAuthenticated }));
  await app.ready();
  return app;
}

/** S58, S59. */
function guardAdmin(app: FastifyInstance, { limits, newRequestId, refusals, connections }: AppParts): ConnectionGuard {
  const { adminConnections, adminConnectionsPerAddress } = limits;
  return guardConnections(
    app.server,
    { ...limits, connections: adminConnections, connectionsPerAddress: adminConnectionsPerAddress },
    { answer: unreadableAnswer(newRequestId, refusals), counter: connections },
  );
}

/** S1, S31, S56, S58. */
function fastifyOptions({ limits, logger, newRequestId, refusals, https }: AppParts): FastifyServerOptions {
  const http = serverOptions(limits);
  return {
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    genReqId: newRequestId,
    requestIdHeader: false,
    trustProxy: false,
    // Ours to answer.
    return503OnClosing: false,
    bodyLimit: limits.bodyBytes,
    // Fastify sets its own where it is not told.
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: 512 },
    frameworkErrors: frameworkErrors(refusals),
    // Whoever looks at a target behind the router finds a path.
    rewriteUrl: ({ url }: IncomingMessage) => pathAndQuery(url ?? ""),
    ...(https ? { https: { ...http, ...https } } : { http }),
  } as unknown as FastifyServerOptions;
}
