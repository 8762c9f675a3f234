import type { Config } from "../config.ts";
import type { Core } from "./open-core.ts";
import type { Opened } from "./opened.ts";
import type { Surroundings } from "./surroundings.ts";

type Closing = ReturnType<Opened["layer"]>;

/** What every part of a start works with. */
export interface Starting {
  readonly config: Config;
  readonly core: Core;
  readonly surroundings: Surroundings & Required<Pick<Surroundings, "timers" | "monotonic">>;
  /** How what takes requests stops to: closed first, and all at the same moment (L7). */
  readonly listeners: Closing;
  /** How what writes to the database ends: closed when nothing is asked any more. */
  readonly writers: Closing;
  /** How long a stop lets open requests go on: not at all until the broker has started. */
  readonly graceMs: () => number;
}
