import type { Logger } from "pino";
import type { Randomness } from "../randomness.ts";
import { MINUTE_MS } from "../time.ts";
import { systemTimers, type Timers } from "../timers.ts";

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

/** A failure that goes on: told, and not told again at once. */
interface Episode {
  times: number;
  /** Since the last line; the newest of them is `latest`. */
  untold: number;
  latest: unknown;
}

/** Of everything that logs to the same place: a failure is one, whoever makes the function that tells of it. */
const episodes = new WeakMap<Logger, Map<string, Episode>>();

/**
 * Makes what logs errors of one kind. What goes on failing, such as all that needs a database that is away, is told when
 * it begins, once a minute at most while it goes on, and when a minute has passed without it: the log must not fill the
 * disk meanwhile.
 */
export const logsErrors =
  ({ logger, timers = systemTimers }: Pick<Surroundings, "logger" | "timers">) =>
  (what: string) =>
  (error: unknown): void => {
    const known = episodes.get(logger) ?? new Map<string, Episode>();
    episodes.set(logger, known);
    const { code, name } = Object(error) as { code?: unknown; name?: unknown };
    const key = JSON.stringify([what, code ?? name]);
    const episode = known.get(key);
    if (episode) {
      episode.times += 1;
      episode.untold += 1;
      episode.latest = error;
      return;
    }
    logger.error({ err: error }, what);
    const begun: Episode = { times: 1, untold: 0, latest: error };
    known.set(key, begun);
    const lookAgain = (): void => {
      timers.after(MINUTE_MS, () => {
        if (begun.untold === 0) {
          known.delete(key);
          if (begun.times > 1) logger.info({ times: begun.times }, `it is over, for a minute at least: ${what}`);
          return;
        }
        logger.error({ err: begun.latest, leftOut: begun.untold - 1 }, what);
        begun.untold = 0;
        lookAgain();
      });
    };
    lookAgain();
  };
