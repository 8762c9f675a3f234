import { sequenceOf } from "../bundle/sequence.ts";
import { type EpochMs, SECOND_MS } from "../time.ts";
import { isAhead } from "./numbers-ahead.ts";
import type { AccessInput } from "./publication-inputs.ts";
import { ALWAYS, type PublishedDomain, type Span, spanAt } from "./published-domain.ts";
import {
  type Content,
  contentOf,
  type LastShown,
  type Numbers,
  numbersAfter,
  type Shown,
  show,
  TOMBSTONE,
} from "./shown.ts";

/** What one consumer mesh sees of one trust domain. */
export interface ConsumerAccess {
  readonly input: AccessInput;
  /** What it sees, or saw last while the domain shows nothing; null before anything. */
  readonly shown: Shown | null;
  readonly state: "bundle" | "tombstone" | "nothing";
  /** Of what is shown, where the log alone would not lead to its number; null where it would. */
  readonly ahead: LastShown | null;
  /** The state holds at each instant of this span. */
  readonly span: Span;
  /** Pollers that fetched the tombstone of this withdrawal, maybe before the log knew of it. */
  readonly told: Set<string>;
  /** Pollers that were served the bundle by this process or lately: the ledger may not know of them when access ends. */
  readonly holders: Set<string>;
}

/** What went before of a consumer's access to a trust domain. */
export interface Past {
  /** Null before anything that this process showed. */
  readonly access: ConsumerAccess | null;
  /** What another process showed, beyond the log. */
  readonly shown: LastShown | null;
  /** By pollers that another process served, maybe unknown to the ledger. */
  readonly fetched: readonly { readonly pollerId: string }[];
}

export function showAccess(
  input: AccessInput,
  past: Past,
  domain: PublishedDomain | undefined,
  generation: number,
  now: EpochMs,
): ConsumerAccess {
  const last = past.access;
  const told = last !== null && sameWithdrawal(last.input, input) ? last.told : new Set<string>();
  const holders = last?.holders ?? new Set(past.fetched.map(({ pollerId }) => pollerId));
  const before: Before = { shown: last?.shown ?? null, last: last?.shown ?? past.shown };
  if (input.state === "withdrawn") {
    return { input, state: "tombstone", ...withdrawn(input, before, generation), span: ALWAYS, told, holders };
  }
  const span = input.until === null ? ALWAYS : spanAt([input.until], now);
  if (input.until !== null && now >= input.until) {
    const ended = expired(input, input.until, before, domain, generation);
    return { input, state: "tombstone", ...ended, span, told, holders };
  }
  if (domain === undefined)
    return { input, state: "nothing", shown: before.shown, ahead: before.last, span, told, holders };
  return { input, state: "bundle", ...granted(input, before, domain, generation), span, told: new Set(), holders };
}

interface Before {
  readonly shown: Shown | null;
  readonly last: LastShown | null;
}

type Showing = Pick<ConsumerAccess, "ahead"> & { readonly shown: Shown };

/** Shows `content` to a consumer under its own numbers, or under those that follow what it saw before. */
function showing(
  content: Content,
  revision: number | null,
  own: Numbers,
  before: Before,
  like: readonly Shown[],
): Showing {
  const numbers = numbersAfter(before.last, content.key, own);
  const shown = show(content, revision, numbers, [...like, before.shown]);
  return { shown, ahead: isAhead(numbers, own) ? shown : null };
}

/**
 * Bytes of all, but for numbers that this consumer saw already: after a re-grant, until the domain's next revision. And
 * without what it distrusts: still that revision, under a number that no other content of it ever had for this consumer.
 */
function granted(
  input: AccessInput & { readonly state: "granted" },
  before: Before,
  { content, shown, input: { position } }: PublishedDomain,
  generation: number,
): Showing {
  const own = {
    sequence: Math.max(shown.sequence, sequenceOf(generation, input.position)),
    lastModifiedSeconds: Math.max(shown.lastModifiedSeconds, input.lastModifiedSeconds),
  };
  return showing(trusted(content, input.distrusted), position, own, before, [shown]);
}

function trusted(content: Content, distrusted: readonly string[]): Content {
  if (!content.authorities.some(({ fingerprint }) => distrusted.includes(fingerprint))) return content;
  const left = content.authorities.filter(({ fingerprint }) => !distrusted.includes(fingerprint));
  return contentOf(left, content.refreshHintSeconds);
}

/** The number is the withdrawal's: the domain's later revisions are none of this consumer's business. */
const withdrawn = (input: AccessInput, before: Before, generation: number): Showing =>
  tombstone(before, {
    sequence: sequenceOf(generation, input.position),
    lastModifiedSeconds: input.lastModifiedSeconds,
  });

/** Time alone ended the access and the log does not say so yet: one more than what was seen before. */
function expired(
  input: AccessInput,
  until: EpochMs,
  before: Before,
  domain: PublishedDomain | undefined,
  generation: number,
): Showing {
  const own = {
    sequence: Math.max(domain?.shown.sequence ?? 0, sequenceOf(generation, input.position)) + 1,
    lastModifiedSeconds: Math.max(
      (domain?.shown.lastModifiedSeconds ?? 0) + 1,
      input.lastModifiedSeconds + 1,
      Math.floor(until / SECOND_MS),
    ),
  };
  const { shown } = before;
  if (shown?.content === TOMBSTONE.key) return { shown, ahead: isAhead(shown, own) ? shown : null };
  return tombstone(before, own);
}

const tombstone = (before: Before, own: Numbers): Showing => showing(TOMBSTONE, null, own, before, []);

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
