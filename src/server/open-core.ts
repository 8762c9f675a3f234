import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { writeFileDurably } from "../durable-file.ts";
import { requireValidActor } from "../features/access/authentication.service.ts";
import type { OpenIdentity } from "../features/broker.ts";
import { settle } from "../features/bundles/settle.service.ts";
import { requireUnsuspended } from "../features/meshes/suspension.service.ts";
import { requireWithinQuotas } from "../features/quotas/quota.service.ts";
import { threadClock } from "../shared-clock.ts";
import { StartRefusal } from "../start-refusal.ts";
import { commitGroups } from "../store/commit-groups.ts";
import { newestEvent } from "../store/event-log.ts";
import type { SqliteGuard } from "../store/guarded-sqlite.ts";
import { holdDataFolder } from "../store/single-server-lock.ts";
import type { Database } from "../store/tables.ts";
import { createUnitOfWork, type UnitOfWork } from "../store/unit-of-work.ts";
import type { Clock, EpochMs } from "../time.ts";
import { openDataFolder } from "./data-folder.ts";
import { checkTrustDomain, type Identity, prepareIdentity, prepareOperatorToken } from "./first-start.ts";
import { openStore } from "./open-store.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a broker is before it listens: its data folder, its database, its identity, and how it changes. */
export interface Core extends Identity {
  readonly dataFolder: string;
  readonly db: Database;
  readonly clock: Clock;
  readonly generation: number;
  readonly unitOfWork: UnitOfWork;
  readonly identity: OpenIdentity;
  readonly followEveryMs: number;
  /** The newest event before this start, and when it was. */
  readonly lastKnown: { readonly position: number; readonly at: EpochMs };
  /** When the database last failed to take a change, by the monotonic clock; undefined once it took one. */
  changeFailedAt(): number | undefined;
  /** From now on a unit of work resolves when `passed` does for its newest position; without one, at its commit. */
  waitFor(passed: ((position: number) => Promise<void>) | undefined): void;
  close(): Promise<void>;
}

/** @throws {StartRefusal} why data folder, database or identity cannot be used as they are, and what mends it */
export async function openCore(
  config: Config,
  { logger, random, clockOffset, monotonic = () => performance.now() }: Surroundings,
): Promise<Core> {
  const dataFolder = openDataFolder(config.data);
  const letGo = holdDataFolder(join(dataFolder, "entente.lock"));
  const clock = threadClock(clockOffset);
  try {
    let acknowledged = 0;
    const marker = join(dataFolder, "database-broken");
    requireUnbroken(marker);
    const guard = loggingGuard(logger, () => acknowledged, marker);
    const { db, identity, followEveryMs, changeableHistory } = await openStore(config, dataFolder, guard);
    if (changeableHistory.length > 0)
      logger.warn(
        { tables: changeableHistory },
        "the role of databaseUrl can change history (S68): give the servers the role of docs/postgresql.md",
      );
    try {
      const generation = (await checkTrustDomain(db, config.trustDomain)) ?? 0;
      let passed: ((position: number) => Promise<void>) | undefined;
      let failedAt: number | undefined;
      const committed = async (position: number) => {
        failedAt = undefined;
        acknowledged = position;
        await passed?.(position);
      };
      const unitOfWork = createUnitOfWork({
        groups: commitGroups(db, {
          inFlight: config.limits.changesInFlight,
          waitMs: config.limits.changeWaitMs,
          monotonic,
        }),
        clock,
        random,
        generation,
        isShared: config.databaseUrl !== undefined,
        requireActor: requireValidActor,
        async settle(work) {
          await requireUnsuspended(work);
          await settle(work);
          await requireWithinQuotas(work, config.limits);
        },
        committed,
        onUnavailable: () => {
          failedAt = monotonic();
        },
      });
      const lastKnown = await newestEvent(db);
      acknowledged = lastKnown.position;
      const { trustDomain, refreshHintSeconds } = config;
      const known = await prepareIdentity({ unitOfWork, identity, trustDomain, refreshHintSeconds });
      const tokenFile = await prepareOperatorToken(unitOfWork, dataFolder, config.tokenSeconds);
      if (tokenFile) logger.info({ file: tokenFile }, "the first operator token was written to a file");
      return {
        ...known,
        dataFolder,
        db,
        clock,
        generation,
        unitOfWork,
        identity,
        followEveryMs,
        lastKnown,
        changeFailedAt: () => failedAt,
        waitFor(next) {
          passed = next;
        },
        async close() {
          await db.destroy();
          letGo();
        },
      };
    } catch (error) {
      await db.destroy();
      throw error;
    }
  } catch (error) {
    letGo();
    throw error;
  }
}

/** A file without what was acknowledged may look sound: started on, it would give its positions out again (L2, L11). */
function requireUnbroken(marker: string): void {
  if (!existsSync(marker)) return;
  throw new StartRefusal(
    `${marker} says that the database was found broken: ${readFileSync(marker, "utf8").trim()}; restore a backup as ` +
      "docs/operators.md says, then remove that file (L5)",
  );
}

/** What happens to the embedded database at run time is the operator's to know at once (L3, L5). */
const loggingGuard = (logger: Logger, acknowledged: () => number, marker: string): SqliteGuard => ({
  acknowledged,
  onReopened: (error) =>
    logger.warn(
      { err: error },
      "the database was opened again after an I/O error, and holds all that was acknowledged",
    ),
  onWritesOff(error) {
    logger.fatal(
      { err: error },
      "the database is corrupt or lost what was acknowledged: no change is taken any more, bundles go on from memory; " +
        'see "The database breaks while the broker runs" in docs/operators.md (L5)',
    );
    try {
      writeFileDurably(marker, `${(error as Error).message}\n`);
    } catch (unwritten) {
      logger.error(
        { err: unwritten, file: marker },
        "that could not be written down: do not start on this database again",
      );
    }
  },
});
