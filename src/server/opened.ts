/** What a start has opened, layer by layer, each above what it works with. */
export interface Opened {
  /** Begins the next layer; what it returns says how a part of it is closed. */
  layer(): (close: () => unknown) => void;
  /**
   * Closes the newest layer first, and all of one together: where the database does not answer, each waits as long as the
   * others. After `ms` nothing is waited for any more. What one part fails of keeps no other open.
   * @returns whether all was closed in time
   * @throws {unknown} what the first part failed of
   */
  close(ms: number): Promise<boolean>;
}

export function openedParts(): Opened {
  const layers: (() => unknown)[][] = [];
  return {
    layer() {
      const parts: (() => unknown)[] = [];
      layers.push(parts);
      return (close) => void parts.push(close);
    },
    async close(ms) {
      const errors: unknown[] = [];
      let isLate = false;
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(() => {
        isLate = true;
        late.resolve();
      }, ms);
      for (const parts of layers.splice(0).toReversed()) {
        const ends = parts.map(async (close) => close());
        const closed = Promise.all(ends.map((end) => end.catch((error: unknown) => void errors.push(error))));
        await Promise.race([closed, late.promise]);
      }
      clearTimeout(timer);
      if (errors.length > 0) throw errors[0];
      return !isLate;
    },
  };
}
