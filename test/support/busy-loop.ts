/** Keeps this thread's event loop, which is the test broker's too, from what is due, a fifth of a second at a time. */
export async function keepLoopBusy(ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const until = performance.now() + 200;
    while (performance.now() < until);
    await new Promise(setImmediate);
  }
}
