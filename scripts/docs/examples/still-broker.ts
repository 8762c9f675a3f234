import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { type AppParts, buildApp, endpointsOf } from "../../../src/app.ts";
import { loadConfig } from "../../../src/config.ts";
import { issueToken } from "../../../src/features/access/token.service.ts";
import type { StoredBroker } from "../../../src/features/broker.ts";
import { settle } from "../../../src/features/bundles/settle.service.ts";
import type { Endpoint } from "../../../src/http/endpoint.ts";
import { type Randomness, randomId } from "../../../src/randomness.ts";
import { prepareIdentity } from "../../../src/server/first-start.ts";
import { commitGroups } from "../../../src/store/commit-groups.ts";
import { systemActor } from "../../../src/store/event.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { openSqlite } from "../../../src/store/sqlite.ts";
import { createUnitOfWork } from "../../../src/store/unit-of-work.ts";
import { parseText } from "../../../src/text.ts";
import { MINUTE_MS } from "../../../src/time.ts";
import { exampleIdentity, seededRandomness } from "./material.ts";

/** A broker in which nothing happens by itself: its clock stands still between calls, and its randomness is seeded. */
export interface StillBroker {
  readonly app: FastifyInstance;
  readonly endpoints: readonly Endpoint[];
  readonly broker: StoredBroker;
  readonly operatorToken: string;
  /** A minute passes, and randomness begins anew from `seed`: a call more in the story leaves the IDs of the others. */
  next(seed: string): void;
  /** Randomness begins anew, and no time passes. */
  draw(seed: string): void;
  close(): Promise<void>;
}

const START = Date.UTC(2026, 10, 24, 9);

export async function openStillBroker(): Promise<StillBroker> {
  const config = loadConfig({ ENTENTE_TRUST_DOMAIN: "broker.example", ENTENTE_BREAK_GLASS: "true" }, () => "");
  const folder = mkdtempSync(join(tmpdir(), "entente-examples-"));
  const db = openSqlite(join(folder, "entente.db"));
  await migrate(db, "sqlite");
  let now = START;
  const clock = () => now;
  let source = seededRandomness("start");
  const random: Randomness = (bytes) => source(bytes);
  const parts = {
    db,
    clock,
    random,
    generation: 0,
    isShared: false,
    groups: commitGroups(db, { inFlight: 1, waitMs: 1_000, monotonic: () => performance.now() }),
    settle,
    requireActor: async () => {},
    committed: async () => {},
  };
  const unitOfWork = createUnitOfWork(parts);
  const { trustDomain, refreshHintSeconds, invitationSeconds, tokenSeconds, maxTokenSeconds } = config;
  const stores = exampleIdentity();
  const identity = async () => stores;
  const { cursorKey } = await prepareIdentity({ unitOfWork, identity, trustDomain, refreshHintSeconds });
  const { secret } = await unitOfWork.run(systemActor, (work) => {
    const first = { name: parseText("first operator", ""), meshes: [], expiresInSeconds: tokenSeconds };
    return issueToken(work, { ...first, role: "operator" });
  });
  const broker: StoredBroker = {
    db,
    unitOfWork,
    clock,
    trustDomain,
    identity,
    generation: 0,
    cursorKey,
    publicUrls: () => ({ spiffe: "https://bundles.broker.example:8443", web: "https://bundles.broker.example:8444" }),
    tokenLives: { defaultSeconds: tokenSeconds, maxSeconds: maxTokenSeconds },
    breakGlass: config.breakGlass,
    invitationSeconds,
    refreshHintSeconds,
  };
  const health = { unreadiness: async () => [], metrics: async () => METRICS };
  const app = await buildApp({
    broker,
    health,
    ...UNHINDERED,
    limits: config.limits,
    logger: pino({ level: "silent" }),
    newRequestId: () => randomId(random, "req"),
  });
  const draw = (seed: string) => {
    source = seededRandomness(seed);
  };
  return {
    app,
    endpoints: endpointsOf({ broker, health }),
    broker,
    operatorToken: secret,
    next(seed) {
      now += MINUTE_MS;
      draw(seed);
    },
    draw,
    async close() {
      await app.close();
      await db.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const FREE = {
  policy: "default",
  mayPass: true,
  limit: 60,
  windowSeconds: 3,
  remaining: 59,
  resetSeconds: 1,
  retryAfterSeconds: 1,
} as const;

/** No limit of load or of reach: what is written down does not depend on them. */
export const UNHINDERED = {
  refusals: { refused: async () => {} },
  throttle: {
    inTurn: (_source, _authorization, login) => login(),
    beforeLogin: () => FREE,
    succeededLogin: () => {},
    failedLogin: () => {},
    request: () => FREE,
  },
  onAuthenticated: () => {},
  loopDelayMs: () => 0,
  hosts: new Set(["localhost"]),
  connections: { add: () => {} },
} satisfies Partial<AppParts>;

const METRICS = `# HELP entente_events_total Events in the log.
# TYPE entente_events_total counter
entente_events_total 42
`;
