import type { Authority } from "../pki/authority.ts";
import { type Replies, type Representations, repliesOf, representationsOf } from "./publication-reply.ts";

/** What somebody is shown of a trust domain: one bundle under one number. */
export interface Shown {
  /** The `spiffe_sequence`. */
  readonly sequence: number;
  readonly lastModifiedSeconds: number;
  /** Equal for equal keys and hint, whatever the sequence. */
  readonly content: string;
  /** Event-log position of the revision that it is; null for a tombstone. */
  readonly revision: number | null;
  /** Rendered for the first who asks, in a few µs a certificate, and kept: a start with many would wait for all of them. */
  readonly representations: () => Representations;
  replies(): Replies;
}

/** What somebody was shown last, as far as the next number depends on it. */
export type LastShown = Pick<Shown, "sequence" | "lastModifiedSeconds" | "content">;

/** Keys and hint of what is to be shown. */
export interface Content {
  readonly key: string;
  readonly authorities: readonly Authority[];
  readonly refreshHintSeconds: number;
}

export interface Numbers {
  readonly sequence: number;
  readonly lastModifiedSeconds: number;
}

/** The empty bundle that ends a consumer's trust (R21). */
export const TOMBSTONE: Content = { key: "tombstone", authorities: [], refreshHintSeconds: 60 };

export function contentOf(authorities: readonly Authority[], refreshHintSeconds: number): Content {
  const names = authorities.map((authority) =>
    authority.type === "jwt" ? `${authority.fingerprint} ${JSON.stringify(authority.keyId)}` : authority.fingerprint,
  );
  return { key: `${refreshHintSeconds} ${names.join(",")}`, authorities, refreshHintSeconds };
}

/**
 * The number under which content follows what was shown last (R16): its true one when that is greater, else one more when
 * the bytes would differ, else the last. So that a sequence neither falls nor repeats with other bytes, even where a clock
 * jumps and comes back. `Last-Modified` follows: strictly later, in whole seconds, whenever anything changes.
 */
export function numbersAfter(last: LastShown | null, content: string, own: Numbers): Numbers {
  if (last === null) return own;
  if (own.sequence <= last.sequence && content === last.content) return last;
  return {
    sequence: Math.max(own.sequence, last.sequence + 1),
    lastModifiedSeconds: Math.max(own.lastModifiedSeconds, last.lastModifiedSeconds + 1),
  };
}

/** Shows `content` under `numbers`; nothing is rendered again where `like`, of the same number and content, was before. */
export function show(
  content: Content,
  revision: number | null,
  numbers: Numbers,
  like: readonly (Shown | null)[],
): Shown {
  const same = like.find((shown) => shown?.sequence === numbers.sequence && shown.content === content.key);
  const { sequence, lastModifiedSeconds } = numbers;
  const sameTime = same?.lastModifiedSeconds === lastModifiedSeconds;
  if (same && sameTime && same.revision === revision) return same;
  const representations =
    same?.representations ?? once(() => representationsOf(content.authorities, content.refreshHintSeconds, sequence));
  const makeReplies = same && sameTime ? () => same.replies() : () => repliesOf(representations(), lastModifiedSeconds);
  return new Rendered(sequence, lastModifiedSeconds, content.key, revision, representations, makeReplies);
}

/** Its replies lie in it: of ten thousand each poll finds another cold in memory, and each step between costs as much. */
class Rendered implements Shown {
  readonly sequence: number;
  readonly lastModifiedSeconds: number;
  readonly content: string;
  readonly revision: number | null;
  readonly representations: () => Representations;
  readonly #makeReplies: () => Replies;
  #replies: Replies | undefined;

  constructor(
    sequence: number,
    lastModifiedSeconds: number,
    content: string,
    revision: number | null,
    representations: () => Representations,
    makeReplies: () => Replies,
  ) {
    this.sequence = sequence;
    this.lastModifiedSeconds = lastModifiedSeconds;
    this.content = content;
    this.revision = revision;
    this.representations = representations;
    this.#makeReplies = makeReplies;
  }

  replies(): Replies {
    this.#replies ??= this.#makeReplies();
    return this.#replies;
  }
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
