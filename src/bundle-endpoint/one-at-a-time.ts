/** What gathers in the thread for the main thread to write down. */
export interface Outgoing {
  /** Sends what waits, if no batch is under way: as often as this is called, and no oftener, the store is written. */
  send(): void;
  /** Resolves when all that was noted before is written. */
  flush(): Promise<void>;
}

/** @param sendWaiting sends what waits, if anything, and resolves when it is written */
export function oneAtATime(sendWaiting: () => Promise<void>): Outgoing {
  let sending: Promise<void> | null = null;

  function sendNext(): Promise<void> {
    sending ??= sendWaiting().finally(() => {
      sending = null;
    });
    return sending;
  }

  return {
    send: () => void sendNext(),
    async flush() {
      // Which may have begun before the last were noted.
      await sending;
      await sendNext();
    },
  };
}
