/** One-shot timers, passed in wherever something is to happen later. */
export interface Timers {
  /** Calls `callback` once, `ms` milliseconds from now, unless the returned function is called before. */
  after(ms: number, callback: () => void): () => void;
}

/** Real timers. None keeps the process alive. */
export const systemTimers: Timers = {
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};
