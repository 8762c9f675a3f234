import type { Executor } from "../store/tables.ts";

/** Where in a list a request begins, and how the answer says where it ends. */
export interface Page {
  /** How many items are asked for. */
  readonly limit: number;
  /** The same, where the request says it. */
  readonly most: number | undefined;
  /** The item before the page, as `next` was given it; undefined for the first page. */
  after<T extends string | number>(): T | undefined;
  /** The cursor of a page that begins after `last`. */
  next(last: string | number): string;
}

/** Everything that a list's query matches, as far as `limit` is not said, beside the list as JSON. */
export interface Stream<C> {
  readonly types: readonly string[];
  /** Of a media type, as its answer says them. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Texts in the media type, which is one of `types`, from the page's cursor on. Throws before the first, or not at all. */
  read(db: Executor, call: C, page: Page, type: string): AsyncIterable<string>;
}
