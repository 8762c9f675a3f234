import { createHash } from "node:crypto";
import { type TokenCaller, tokenCaller } from "../../src/features/access/caller.ts";
import { settle } from "../../src/features/bundles/settle.service.ts";
import { registerMesh } from "../../src/features/meshes/mesh.service.ts";
import type { RegisteredMesh } from "../../src/features/meshes/mesh.ts";
import { type MeshId, parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { initialiseBroker } from "../../src/features/trust-domains/broker-domain.service.ts";
import type { Randomness } from "../../src/randomness.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { commitGroups } from "../../src/store/commit-groups.ts";
import { type Actor, systemActor } from "../../src/store/event.ts";
import { migrate } from "../../src/store/migrate.ts";
import type { Database } from "../../src/store/tables.ts";
import { createUnitOfWork, type UnitOfWork, type UnitOfWorkParts, type Work } from "../../src/store/unit-of-work.ts";
import { parseText } from "../../src/text.ts";
import { DAY_MS } from "../../src/time.ts";
import type { EmptyDatabase } from "./databases.ts";
import { type FakeTime, fakeTime } from "./fake-time.ts";

/** The services of a broker on a store, without a listener, a thread or a timer. */
export interface StoreBroker extends EmptyDatabase {
  readonly unitOfWork: UnitOfWork;
  readonly time: FakeTime;
  readonly generation: number;
  /** One unit of work that is not looked at for what it answers to whom. */
  run<T>(actor: Actor, change: (work: Work) => Promise<T>): Promise<T>;
  /** An operator registers a mesh. */
  register(meshId: string, trustDomain: string): Promise<RegisteredMesh>;
}

export const BROKER_DOMAIN = parseTrustDomain("broker.example");
/** Where the fake clock starts. */
export const NOON = Date.UTC(2026, 9, 1, 12);

const origin = { source: "127.0.0.1", requestId: "req_test" };
export const operator: TokenCaller = tokenCaller("tok_operator", "operator", [], origin);
export const adminOf = (...meshes: readonly MeshId[]): TokenCaller =>
  tokenCaller(`tok_${meshes.join("_")}`, "mesh-admin", meshes, origin);

/** The same bytes in every run. */
export function seededRandomness(seed: string): Randomness {
  let drawn = 0;
  return (bytes) => {
    const blocks: Buffer[] = [];
    for (let length = 0; length < bytes; length += 32) {
      blocks.push(createHash("sha256").update(`${seed} ${drawn++}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, bytes);
  };
}

/** Migrates the database and brings it through the broker's first start. */
export async function storeBroker(
  { db, engine }: EmptyDatabase,
  parts: Partial<UnitOfWorkParts> = {},
): Promise<StoreBroker> {
  await migrate(db, engine);
  const time = fakeTime(NOON);
  const generation = parts.generation ?? 0;
  const unitOfWork = unitOfWorkOn(db, { clock: time.clock, random: seededRandomness("store broker"), ...parts });
  await unitOfWork.run(systemActor, (work) => initialiseBroker(work, BROKER_DOMAIN, 300));
  const run = unitOfWork.run;
  return {
    db,
    engine,
    unitOfWork,
    time,
    generation,
    run,
    register: (meshId, trustDomain) => run(operator, (work) => registerAs(work, meshId, trustDomain)),
  };
}

/** The units of work of one server of a database. */
export const unitOfWorkOn = (
  db: Database,
  parts: Partial<UnitOfWorkParts> & Pick<UnitOfWorkParts, "clock" | "random">,
): UnitOfWork =>
  createUnitOfWork({
    isShared: false,
    groups: commitGroups(db, { inFlight: 1_000, waitMs: 60_000, monotonic: () => performance.now() }),
    generation: 0,
    requireActor: async () => {},
    settle,
    committed: async () => {},
    ...parts,
  });

async function registerAs(work: Work, meshId: string, trustDomain: string): Promise<RegisteredMesh> {
  const { mesh } = await registerMesh(
    work,
    operator,
    {
      meshId: parseMeshId(meshId),
      trustDomain: parseTrustDomain(trustDomain),
      displayName: parseText(meshId, ""),
      dialect: "other",
      dialectVersion: null,
      labels: {},
      listed: true,
    },
    { brokerTrustDomain: BROKER_DOMAIN, refreshHintSeconds: 300, tokenSeconds: (90 * DAY_MS) / 1000 },
  );
  return mesh;
}
