import type { Logger } from "pino";
import type { Randomness } from "../randomness.ts";
import type { Timers } from "../timers.ts";

/** What a broker gets from the process that it runs in. */
export interface Surroundings {
  readonly logger: Logger;
  readonly random: Randomness;
  /** Shared with the bundle endpoint's thread; moves the clock of both (tests). */
  readonly clockOffset?: SharedArrayBuffer;
  /** Timers, and milliseconds that no setting of the clock changes; the system's where absent (tests give theirs). */
  readonly timers?: Timers;
  readonly monotonic?: () => number;
  /** Aborted where the process is told to stop while the start goes on. */
  readonly stop?: AbortSignal;
  /** The bundle endpoint's thread died: the process must end. */
  readonly onFatal: (error: Error) => void;
}

/** Makes what logs errors of one kind. */
export const logsErrors =
  ({ logger }: Pick<Surroundings, "logger">) =>
  (what: string) =>
  (error: unknown): void =>
    logger.error({ err: error }, what);
