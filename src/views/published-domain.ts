import { unexpired } from "../bundle/published.ts";
import { sequenceOf } from "../bundle/sequence.ts";
import { type EpochMs, SECOND_MS } from "../time.ts";
import { isAhead } from "./numbers-ahead.ts";
import type { DomainInput } from "./publication-inputs.ts";
import { type Content, contentOf, type LastShown, numbersAfter, type Shown, show } from "./shown.ts";

/** A trust domain as all see it who see no bytes of their own. */
export interface PublishedDomain {
  readonly input: DomainInput;
  /** Every instant at which time alone changes the bundle, ascending. */
  readonly deadlines: readonly EpochMs[];
  /** The bundle of now. */
  readonly content: Content;
  readonly shown: Shown;
  /** The log alone would not lead to the number. */
  readonly ahead: boolean;
  /** `content` holds at each instant of this half-open span. */
  readonly span: Span;
}

/** From inclusive, until exclusive. */
export interface Span {
  readonly from: EpochMs;
  readonly until: EpochMs;
}

export const ALWAYS: Span = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

export const holdsAt = (span: Span, now: EpochMs): boolean => now >= span.from && now < span.until;

export const narrowed = (a: Span, b: Span): Span => ({
  from: Math.max(a.from, b.from),
  until: Math.min(a.until, b.until),
});

export function spanAt(deadlines: readonly EpochMs[], now: EpochMs): Span {
  let span = ALWAYS;
  for (const deadline of deadlines) {
    span = narrowed(span, deadline <= now ? { ...ALWAYS, from: deadline } : { ...ALWAYS, until: deadline });
  }
  return span;
}

/**
 * What `input` shows at `now` after `last`, or after what another process showed. `last` may be of an older input of the
 * domain: numbers follow from it.
 */
export function publishDomain(
  input: DomainInput,
  deadlines: readonly EpochMs[],
  generation: number,
  last: Shown | null,
  remembered: LastShown | null,
  now: EpochMs,
): PublishedDomain {
  const authorities = unexpired(input.authorities, now).map(({ authority }) => authority);
  const content = contentOf(authorities, input.refreshHintSeconds);
  const own = ownNumbers(input, deadlines, generation, now);
  const numbers = numbersAfter(last ?? remembered, content.key, own);
  return {
    input,
    deadlines,
    content,
    shown: show(content, input.position, numbers, [last]),
    ahead: isAhead(numbers, own),
    span: spanAt(deadlines, now),
  };
}

/**
 * A revision's numbers; what time alone took out since has the next number each, until the log's own event comes, whose
 * position is above them all (settle.service.ts). Counted and not remembered, so that a process which starts in between
 * finds the same ones: a revision holds nothing that was due when it was made.
 */
function ownNumbers(input: DomainInput, deadlines: readonly EpochMs[], generation: number, now: EpochMs) {
  const passed = deadlines.filter((at) => at <= now);
  const latest = Math.floor((passed.at(-1) ?? 0) / SECOND_MS);
  return {
    sequence: sequenceOf(generation, input.position) + passed.length,
    lastModifiedSeconds: Math.max(input.lastModifiedSeconds + passed.length, latest),
  };
}
