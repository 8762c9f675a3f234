/** One page of a list: `next` is the cursor of the page after it, absent on the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** Cuts what was read one past `limit` into a page, its cursor made from the last item that is on it. */
export function pageOf<T>(read: readonly T[], limit: number, cursorOf: (last: T) => string): Page<T> {
  const items = read.slice(0, limit);
  const last = items.at(-1);
  return read.length > limit && last !== undefined ? { items, next: cursorOf(last) } : { items };
}
