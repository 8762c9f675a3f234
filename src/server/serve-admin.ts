import { lookup } from "node:dns/promises";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { buildApp } from "../app.ts";
import { tlsOptions } from "../bundle-endpoint/tls-options.ts";
import type { Config } from "../config.ts";
import type { StoredBroker } from "../features/broker.ts";
import type { Health } from "../features/health/health.routes.ts";
import type { RefusalListener } from "../http/error-answers.ts";
import { reachedBy, type ServingCertificate } from "../identity/svid.ts";
import { formatListenAddress, type ListenAddress } from "../listen-address.ts";
import type { ConnectionCounter } from "../listener/connection-counts.ts";
import { closeGracefully } from "../listener/graceful-close.ts";
import { randomId } from "../randomness.ts";
import { StartRefusal } from "../start-refusal.ts";
import { hostsOf } from "./certificates.ts";
import type { Core } from "./open-core.ts";
import { pairOf, type ServedBundles } from "./serve-bundles.ts";
import type { Surroundings } from "./surroundings.ts";
import { adminThrottle } from "./throttle.ts";
import type { TokenUses } from "./token-uses.ts";

/** The admin API, ready to listen. */
export function buildAdmin(
  config: Config,
  parts: {
    readonly broker: StoredBroker;
    readonly health: Health;
    readonly refusals: RefusalListener;
    readonly uses: TokenUses;
    readonly connections: ConnectionCounter;
    readonly certificate: ServingCertificate;
    readonly loopDelayMs: () => number;
  },
  { logger, random }: Surroundings,
): Promise<FastifyInstance> {
  const { broker, uses } = parts;
  return buildApp({
    broker,
    health: parts.health,
    refusals: parts.refusals,
    limits: config.limits,
    hosts: new Set(reachedBy(hostsOf(config, "admin"))),
    loopDelayMs: parts.loopDelayMs,
    throttle: adminThrottle(config.limits, () => performance.now()),
    onAuthenticated: (caller) => uses.note(caller, broker.clock()),
    logger,
    https: tlsOptions(pairOf(parts.certificate)),
    connections: parts.connections,
    newRequestId: () => randomId(random, "req"),
  });
}

type TlsServer = FastifyInstance["server"] & {
  setSecureContext(options: object): void;
  closeIdleConnections(): void;
  closeAllConnections(): void;
};

/** @throws {StartRefusal} when it cannot listen */
export async function listenAdmin(config: Config, app: FastifyInstance): Promise<ListenAddress> {
  await listen(app, config.adminAddress).catch((error: unknown) => {
    throw new StartRefusal(
      `the admin API cannot listen on ${formatListenAddress(config.adminAddress)}: ${(error as Error).message}`,
      error,
    );
  });
  return { host: config.adminAddress.host, port: (app.server.address() as AddressInfo).port };
}

/** For a name of several addresses Fastify would make further servers, without what ours is told: its next certificate, too. */
async function listen(app: FastifyInstance, { host, port }: ListenAddress): Promise<void> {
  const { address } = await lookup(host);
  await app.listen({ host: address, port });
}

/** New connections are served with it, also where it does not listen yet. */
export const useAdminCertificate = (app: FastifyInstance, certificate: ServingCertificate): void =>
  (app.server as TlsServer).setSecureContext(tlsOptions(pairOf(certificate)));

export const closeAdmin = (app: FastifyInstance, graceMs: number): Promise<void> =>
  closeGracefully(app.server as TlsServer, () => app.close(), graceMs);

/** The parts of a running broker that every endpoint works with. @param served asked once requests are answered */
export function brokerOf(config: Config, core: Core, served: () => ServedBundles): StoredBroker {
  const publicUrls = () => {
    const { addresses } = served().endpoint;
    return {
      spiffe: config.publicUrlSpiffe ?? `https://${formatListenAddress(addresses.spiffe)}`,
      web: config.publicUrlWeb ?? `https://${formatListenAddress(addresses.web)}`,
    };
  };
  return {
    db: core.db,
    unitOfWork: core.unitOfWork,
    clock: core.clock,
    trustDomain: config.trustDomain,
    identity: core.identity,
    generation: core.generation,
    cursorKey: core.cursorKey,
    publicUrls,
    tokenLives: { defaultSeconds: config.tokenSeconds, maxSeconds: config.maxTokenSeconds },
    breakGlass: config.breakGlass,
    invitationSeconds: config.invitationSeconds,
    refreshHintSeconds: config.refreshHintSeconds,
  };
}
