import Type, { type StaticDecode } from "typebox";
import { parseDatabaseUrl } from "./database-url.ts";
import { parseHttpsOrigin } from "./https-origin.ts";
import { parseListenAddress } from "./listen-address.ts";
import { parseTrustDomain } from "./spiffe/trust-domain.ts";

const DAY_S = 86_400;

/** A text that is more than text. `allowed` tells people what a number's bounds tell them of a number. */
const text = <T>(parse: (value: string) => T, allowed: string, description: string, byDefault?: string) =>
  Type.Decode(Type.String({ allowed, description, ...(byDefault === undefined ? {} : { default: byDefault }) }), parse);
const address = (description: string, byDefault?: string) =>
  text(parseListenAddress, "host:port, an IPv6 host in brackets; port 0 takes a free one", description, byDefault);
const origin = (description: string) => text(parseHttpsOrigin, "https://host or https://host:port", description);
const path = (description: string, byDefault?: string) =>
  Type.String({
    allowed: "a path",
    description,
    minLength: 1,
    ...(byDefault === undefined ? {} : { default: byDefault }),
  });
const integer = (description: string, byDefault: number, minimum: number, maximum: number) =>
  Type.Integer({ description, default: byDefault, minimum, maximum });

const flag = (description: string, byDefault: boolean) => Type.Boolean({ description, default: byDefault });

const limits = Type.Object({
  bodyBytes: integer("Largest body of a request to the admin API (S1).", 65_536, 1_024, 1_048_576),
  uploadBytes: integer("Largest upload of a bundle or of certificates (S1).", 1_048_576, 1_024, 16_777_216),
  requestsPerSecond: integer("Admin API requests a second a token (S22).", 20, 1, 100_000),
  requestBurst: integer("Admin API requests at once a token (S22).", 60, 1, 100_000),
  operatorRequestsPerSecond: integer("Admin API requests a second an operator's token (S22).", 200, 1, 100_000),
  operatorRequestBurst: integer("Admin API requests at once an operator's token (S22).", 600, 1, 100_000),
  authoritiesPerMesh: integer("Authorities that a mesh publishes or claims, unexpired (S22).", 50, 1, 100_000),
  federationsPerMesh: integer(
    "Open federations of a mesh (S22); one that is not agreed yet counts for its proposer.",
    500,
    1,
    100_000,
  ),
  tokensPerMesh: integer(
    "Tokens that speak for a mesh and have neither ended nor been revoked (S22).",
    1_000,
    1,
    100_000,
  ),
  pollersPerMesh: integer("Pollers of a mesh that have neither ended nor been revoked (S22).", 1_000, 1, 100_000),
  federationCodesPerMesh: integer("Open federation codes of a mesh (S22).", 100, 1, 100_000),
  revisionsPerHour: integer(
    "Revisions an hour that a mesh makes of its trust domain's bundle (S22); what takes authorities out is not refused (S48).",
    200,
    1,
    1_000_000,
  ),
  failedLoginsPerMinute: integer(
    "Refused credentials a minute an address (IPv6: a /64) before 429 (S28).",
    20,
    1,
    100_000,
  ),
  unknownPollersPerMinute: integer("Polls by unknown tokens a minute an address before 429 (S36).", 10, 1, 100_000),
  pollsPerSecond: integer("Polls a second a poller's token (S36).", 50, 1, 100_000),
  pollBurst: integer("Polls at once a poller's token (S36).", 200, 1, 100_000),
  headersTimeoutMs: integer("How long a request's headers may take, in milliseconds (S58).", 10_000, 100, 600_000),
  requestTimeoutMs: integer("How long a whole request may take, in milliseconds (S58).", 30_000, 100, 600_000),
  keepAliveTimeoutMs: integer("How long an idle connection stays open, in milliseconds (S58).", 15_000, 100, 600_000),
  handshakeTimeoutMs: integer("How long a TLS handshake may take, in milliseconds (S58).", 5_000, 100, 600_000),
  connectionCheckMs: integer(
    "How often connections are held against the timeouts, in milliseconds (S58).",
    1_000,
    100,
    60_000,
  ),
  unreadAnswerMs: integer(
    "How long a client may take nothing of its answer, in milliseconds, before its connection is closed, by twice that at the latest (S58).",
    60_000,
    100,
    3_600_000,
  ),
  headerBytes: integer("Largest header block of a request (S58).", 8_192, 1_024, 65_536),
  requestsPerConnection: integer("Requests over one connection before it is closed (S58).", 1_000, 1, 1_000_000),
  changesInFlight: integer("Changes under way or waiting at once, in the admin API (L18).", 256, 1, 100_000),
  changeWaitMs: integer("How long a change waits for its turn before 503, in milliseconds (L18).", 2_000, 10, 60_000),
  loopDelayMs: integer(
    "Delay of the event loop, its 99th percentile in each of two seconds in milliseconds, past which the admin API answers 503 (L18).",
    250,
    50,
    600_000,
  ),
  connections: integer("Connections to one listener of the bundle endpoint (S59).", 10_000, 10, 1_000_000),
  connectionsPerAddress: integer(
    "Connections from one address (IPv6: a /64) to one listener of the bundle endpoint (S59).",
    1_000,
    1,
    1_000_000,
  ),
  adminConnections: integer("Connections to the admin API (S59).", 10_000, 10, 1_000_000),
  adminConnectionsPerAddress: integer(
    "Connections from one address (IPv6: a /64) to the admin API (S59).",
    1_000,
    1,
    1_000_000,
  ),
  reservedConnectionsPerAddress: integer(
    "Connections to a listener beyond both, for an address that polled there, or logged in, with success in the last hour (S59).",
    10,
    0,
    1_000,
  ),
});

/** Every setting of the process. docs/configuration.md is made from it. */
export const configSchema = Type.Object({
  data: path("Folder of the database, keys and certificates; made when absent, for its owner only (S62).", "./data"),
  databaseUrl: Type.Optional(
    Type.Decode(
      Type.String({
        allowed:
          "postgres://user:password@host:port/database with sslmode (verify-full, or disable), sslrootcert, options, host (a socket's folder) as its only parameters",
        description:
          "The PostgreSQL that several servers share (docs/postgresql.md). Without it: a SQLite file in the data folder. A host other than this machine is spoken to by verified TLS unless the URL says sslmode=disable (L13).",
        secret: true,
      }),
      parseDatabaseUrl,
    ),
  ),
  databaseConnections: integer("Connections to PostgreSQL at most, of this server.", 10, 3, 1_000),
  keyFile: Type.Optional(
    path(
      "File of 32 random bytes, its owner's alone, under which the broker's private keys are sealed in PostgreSQL (S63); each server of a databaseUrl has a copy. Without it: keys/sealing.key in the data folder, made at the first start.",
    ),
  ),
  trustDomain: text(
    parseTrustDomain,
    "a SPIFFE trust domain name: lower-case letters, digits, dots, dashes, underscores; at most 255 bytes",
    "The broker's own trust domain; fixed at the first start.",
    "broker.entente.internal",
  ),
  adminAddress: address("Where the admin API listens. It is TLS on every address.", "127.0.0.1:8440"),
  bundleAddress: address("Where the bundle endpoint listens in the profile https_spiffe.", "127.0.0.1:8443"),
  bundleWebAddress: Type.Optional(
    address(
      "Where the bundle endpoint listens in the profile https_web. Without it: the host of bundleAddress and its next port, or port 0 where that is 0.",
    ),
  ),
  publicUrlAdmin: Type.Optional(
    origin("What answers and recipes show as the admin API's URL. Without it: the bound address."),
  ),
  publicUrlSpiffe: Type.Optional(
    origin("What they show as the https_spiffe endpoint's URL. Without it: the bound address."),
  ),
  publicUrlWeb: Type.Optional(origin("What they show as the https_web endpoint's URL. Without it: the bound address.")),
  webCertificateFile: Type.Optional(
    path("PEM certificate chain of the https_web endpoint, leaf first. Without it the broker's own CA issues one."),
  ),
  webKeyFile: Type.Optional(path("PEM private key of webCertificateFile.")),
  webCertificateCheckSeconds: integer("How often both files are looked at for a change.", 30, 1, 86_400),
  svidTtlSeconds: integer("Life of the broker's X509-SVID; a new one replaces it at half of it.", 3_600, 5, 30 * DAY_S),
  refreshHintSeconds: integer(
    "Refresh hint that a trust domain gets when it is made, until its owner sets another (R18, R27). A change is for those " +
      "that are made later: of the others, the broker's own among them, it stays.",
    300,
    1,
    DAY_S,
  ),
  tombstoneSeconds: integer(
    "How long at least a consumer gets the empty bundle after a federation ended (R21).",
    7 * DAY_S,
    1,
    366 * DAY_S,
  ),
  tokenSeconds: integer("Life of a token that asks for none (S26).", 90 * DAY_S, 60, 366 * DAY_S),
  maxTokenSeconds: integer("Longest life that a token may ask for (S26).", 366 * DAY_S, 60, 366 * DAY_S),
  breakGlass: flag(
    "Lets an operator consent in a mesh's place and make it an admin token, each with a reason and an event (S23).",
    false,
  ),
  invitationSeconds: integer("Life of an invitation that asks for none.", 7 * DAY_S, 60, 366 * DAY_S),
  readYourWritesTimeoutMs: integer(
    "How long a change's answer waits for the bundle endpoint to serve the change, in milliseconds.",
    2_000,
    1,
    60_000,
  ),
  deliveryBatchMs: integer("How often deliveries are written to the ledger, in milliseconds.", 200, 1, 60_000),
  shutdownDelaySeconds: integer(
    "How long a stopping process still serves while it says it is not ready (L7).",
    5,
    0,
    600,
  ),
  shutdownGraceSeconds: integer("How long it then waits for open requests (L7).", 10, 0, 600),
  logLevel: Type.Enum(["trace", "debug", "info", "warn", "error", "fatal"], {
    description: "The least severe level that is logged.",
    default: "info",
  }),
  limits,
});

/** The settings, each as the program uses it: an address is a host and a port, not a text. */
export type Settings = StaticDecode<typeof configSchema>;
