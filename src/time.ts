import { Refusal } from "./errors.ts";

/** Milliseconds since the Unix epoch, UTC. Every `…At` inside the program is one; on the wire it is RFC 3339. */
export type EpochMs = number;

/** The wall clock, passed in wherever a rule depends on the time. */
export type Clock = () => EpochMs;

/** One moment, by the clock and by milliseconds that no setting of the clock changes. */
export interface Moment {
  readonly at: EpochMs;
  readonly mono: number;
}

/** How far the clock was set between two moments: ahead, or back where it is negative (L6). */
export const clockSetBy = (before: Moment, now: Moment): number => now.at - before.at - (now.mono - before.mono);

/** RFC 3339 in UTC with milliseconds: how an instant goes over the wire. */
export const toRfc3339 = (at: EpochMs): string => new Date(at).toISOString();

export const toRfc3339OrNull = (at: EpochMs | null): string | null => (at === null ? null : toRfc3339(at));

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/**
 * The instant of an RFC 3339 text that a schema has checked. A leap second has the form of one and is none.
 * @param pointer JSON pointer of the member it came from
 * @throws {Refusal} `invalid-request`
 */
export function parseTime(text: string, pointer: string): EpochMs {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Refusal("invalid-request", "not an instant that can be represented", { pointer });
  return at;
}
