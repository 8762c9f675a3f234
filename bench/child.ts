import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** A process of a measurement. */
export interface Child {
  /** Sends a message and waits for the next one back. */
  ask<Answer>(message: object): Promise<Answer>;
  stop(): void;
}

export async function startChild<Ready>(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ child: Child; ready: Ready }> {
  const process_ = fork(new URL(file, import.meta.url), args, { env: { ...process.env, ...env } });
  return { child: childOf(process_), ready: await nextMessage<Ready>(process_) };
}

/** One that says nothing until it is asked. */
export const startSilentChild = (file: string): Child => childOf(fork(new URL(file, import.meta.url)));

const childOf = (process_: ChildProcess): Child => ({
  ask: (message) => {
    process_.send(message);
    return nextMessage(process_);
  },
  stop: () => void process_.kill(),
});

async function nextMessage<Answer>(process_: ChildProcess): Promise<Answer> {
  const ended = new AbortController();
  const onExit = () => ended.abort(new Error(`${process_.spawnargs.at(-1)} ended`));
  process_.once("exit", onExit);
  try {
    const [message] = await once(process_, "message", { signal: ended.signal });
    return message as Answer;
  } finally {
    process_.off("exit", onExit);
  }
}
