import { sequenceOf } from "../bundle/sequence.ts";
import { type EpochMs, SECOND_MS } from "../time.ts";
import type { AccessInput } from "./publication-inputs.ts";
import { ALWAYS, type PublishedDomain, type Span, spanAt } from "./published-domain.ts";
import { type Numbers, numbersAfter, type Shown, show, TOMBSTONE } from "./shown.ts";

/** What one consumer mesh sees of one trust domain. */
export interface ConsumerAccess {
  readonly input: AccessInput;
  /** What it sees, or saw last while the domain shows nothing; null before anything. */
  readonly shown: Shown | null;
  readonly state: "bundle" | "tombstone" | "nothing";
  /** The state holds at each instant of this span. */
  readonly span: Span;
  /** Pollers that fetched the tombstone of this withdrawal, maybe before the log knew of it. */
  readonly told: Set<string>;
  /** Pollers that were served the bundle by this process: the ledger may not know of the latest when access ends. */
  readonly holders: Set<string>;
}

/** @param last what the consumer was shown before, whatever the reason; null for nothing */
export function showAccess(
  input: AccessInput,
  last: ConsumerAccess | null,
  domain: PublishedDomain | undefined,
  generation: number,
  now: EpochMs,
): ConsumerAccess {
  const told = last !== null && sameWithdrawal(last.input, input) ? last.told : new Set<string>();
  const holders = last?.holders ?? new Set<string>();
  const before = last?.shown ?? null;
  if (input.state === "withdrawn") {
    return { input, state: "tombstone", shown: withdrawn(input, before, generation), span: ALWAYS, told, holders };
  }
  const span = input.until === null ? ALWAYS : spanAt([input.until], now);
  if (input.until !== null && now >= input.until) {
    return {
      input,
      state: "tombstone",
      shown: expired(input, input.until, before, domain, generation),
      span,
      told,
      holders,
    };
  }
  if (domain === undefined) return { input, state: "nothing", shown: before, span, told, holders };
  return { input, state: "bundle", shown: granted(input, before, domain, generation), span, told: new Set(), holders };
}

/** Bytes of all, but for numbers that this consumer saw already: after a re-grant, until the domain's next revision. */
function granted(
  input: AccessInput,
  last: Shown | null,
  { content, shown, input: { position } }: PublishedDomain,
  generation: number,
): Shown {
  const numbers = numbersAfter(last, content.key, {
    sequence: Math.max(shown.sequence, sequenceOf(generation, input.position)),
    lastModifiedSeconds: Math.max(shown.lastModifiedSeconds, input.lastModifiedSeconds),
  });
  return show(content, position, numbers, [shown, last]);
}

/** The number is the withdrawal's: the domain's later revisions are none of this consumer's business. */
const withdrawn = (input: AccessInput, last: Shown | null, generation: number): Shown =>
  tombstone(last, {
    sequence: sequenceOf(generation, input.position),
    lastModifiedSeconds: input.lastModifiedSeconds,
  });

/** Time alone ended the access and the log does not say so yet: one more than what was seen before. */
function expired(
  input: AccessInput,
  until: EpochMs,
  last: Shown | null,
  domain: PublishedDomain | undefined,
  generation: number,
): Shown {
  if (last?.content === TOMBSTONE.key) return last;
  return tombstone(last, {
    sequence: Math.max(domain?.shown.sequence ?? 0, sequenceOf(generation, input.position)) + 1,
    lastModifiedSeconds: Math.max(
      (domain?.shown.lastModifiedSeconds ?? 0) + 1,
      input.lastModifiedSeconds + 1,
      Math.floor(until / SECOND_MS),
    ),
  });
}

const tombstone = (last: Shown | null, own: Numbers): Shown =>
  show(TOMBSTONE, null, numbersAfter(last, TOMBSTONE.key, own), [last]);

/** The log's word for an expiry that the clock had already brought about is the same withdrawal. */
function sameWithdrawal(before: AccessInput, after: AccessInput): boolean {
  if (after.state === "granted") return before.state === "granted" && before.until === after.until;
  return before.state === "withdrawn" ? before.position === after.position : before.until === after.at;
}

/**
 * Whether the tombstone has done its work (DESIGN.md, decision 7): shown for long enough, and fetched by every poller that
 * held the bundle and still lives. Never before the log knows of the withdrawal: only it knows who held the bundle.
 */
export function isGone(
  { input, told, holders }: ConsumerAccess,
  tombstoneSeconds: number,
  now: EpochMs,
  isLive: (pollerId: string) => boolean,
): boolean {
  if (input.state !== "withdrawn" || now < input.at + tombstoneSeconds * SECOND_MS) return false;
  return ![...input.owing, ...holders].some((pollerId) => !told.has(pollerId) && isLive(pollerId));
}
