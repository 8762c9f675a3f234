import { type EpochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../time.ts";
import { LONGEST_LIFE_MS } from "./svid.ts";

/** A CA of the broker's own trust domain, as the store knows it. */
export interface OwnCa {
  readonly state: string;
  /** When it came to this state. */
  readonly changedAt: EpochMs;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
}

/**
 * What a roll-over does next. `start`: a new CA is published beside the old one. `activate`: it issues from now on, the
 * others no more. `retire`: one that issued before leaves the bundle, and its key is removed.
 */
export type RolloverStep<C> =
  | { readonly kind: "start" }
  | { readonly kind: "activate"; readonly ca: C }
  | { readonly kind: "retire"; readonly ca: C };

/** A step, and the instant from which on it is taken. */
export interface PlannedStep<C> {
  readonly step: RolloverStep<C>;
  readonly at: EpochMs;
}

const REFRESHES = 5;
const LEAST_WAIT_MS = 5 * MINUTE_MS;
/** Until then every server that can reach the database issues by the new CA; they look once a minute. */
const TAKEN_OVER_MS = HOUR_MS;

/** How long both CAs are published before a step that relies on it: whoever polls has fetched the bundle by then. */
export const spreadMs = (refreshHintSeconds: number): number =>
  Math.max(REFRESHES * refreshHintSeconds * SECOND_MS, LEAST_WAIT_MS);

/** From when on nothing that a CA issued can be valid, which issues no more since `changedAt`. */
const spentAt = ({ changedAt, notAfter }: OwnCa): EpochMs =>
  Math.min(changedAt + TAKEN_OVER_MS + LONGEST_LIFE_MS, notAfter);

/** When a CA gives way by itself: when less than a third of its life is left. */
const agesAt = ({ notBefore, notAfter }: OwnCa): EpochMs => notAfter - (notAfter - notBefore) / 3;

/** What is next, and when; undefined where no CA issues. It follows from the states alone, so that it outlives a restart. */
export function nextStep<C extends OwnCa>(cas: readonly C[], refreshHintSeconds: number): PlannedStep<C> | undefined {
  const inState = (state: string) => cas.filter((ca) => ca.state === state);
  const wait = spreadMs(refreshHintSeconds);
  const [prepared] = inState("prepared").toSorted((a, b) => b.changedAt - a.changedAt);
  if (prepared) return { step: { kind: "activate", ca: prepared }, at: prepared.changedAt + wait };
  const [retiring] = inState("retiring")
    .map((ca) => ({ ca, at: Math.max(ca.changedAt + wait, spentAt(ca)) }))
    .toSorted((a, b) => a.at - b.at);
  if (retiring) return { step: { kind: "retire", ca: retiring.ca }, at: retiring.at };
  const [active] = inState("active").toSorted((a, b) => b.changedAt - a.changedAt);
  return active && { step: { kind: "start" }, at: agesAt(active) };
}

/** The step to be taken now, if any. */
export function dueStep<C extends OwnCa>(
  cas: readonly C[],
  refreshHintSeconds: number,
  now: EpochMs,
): RolloverStep<C> | undefined {
  const planned = nextStep(cas, refreshHintSeconds);
  return planned && planned.at <= now ? planned.step : undefined;
}

/** Whether a roll-over has begun and not ended. */
export const isUnderWay = (cas: readonly Pick<OwnCa, "state">[]): boolean =>
  cas.some(({ state }) => state === "prepared" || state === "retiring");
