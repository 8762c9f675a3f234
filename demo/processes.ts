import type { ChildProcess } from "node:child_process";

/** The processes that the demo started: ended by it, whatever happens, and nobody else's. One added after that ends at once. */
export interface Processes {
  add(child: ChildProcess): void;
  /** Asks each to end, and ends those that do not. */
  end(): Promise<void>;
  /** Ends each at once. */
  kill(): void;
}

const GRACE_MS = 4_000;

export function newProcesses(): Processes {
  const children: ChildProcess[] = [];
  let over = false;
  const running = () => children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  const kill = () => {
    over = true;
    for (const child of running()) child.kill("SIGKILL");
  };
  return {
    add(child) {
      children.push(child);
      if (over) child.kill("SIGKILL");
    },
    kill,
    async end() {
      over = true;
      const ended = running().map((child) => new Promise((resolve) => child.once("exit", resolve)));
      for (const child of running()) child.kill("SIGTERM");
      const timer = setTimeout(kill, GRACE_MS);
      await Promise.all(ended);
      clearTimeout(timer);
    },
  };
}
