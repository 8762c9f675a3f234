import type { EventEmitter } from "node:events";

/**
 * Has `take` called with each event before the handlers that the server has by now; they get it where `take` calls `goOn`,
 * and never where it does not.
 */
export function beforeHandlers<Args extends readonly unknown[]>(
  server: EventEmitter,
  event: string,
  take: (goOn: () => void, ...args: Args) => void,
): void {
  const handlers = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (...args: unknown[]) =>
    take(
      () => {
        for (const handle of handlers) handle.apply(server, args);
      },
      ...(args as unknown as Args),
    ),
  );
}
