import type { Server } from "node:http";

/**
 * Stops accepting, lets open requests end within `graceMs`, then closes what is left: a stalled one holds up nothing (L7).
 * @param close closes the server, and whatever is built on it
 */
export async function closeGracefully(
  server: Pick<Server, "closeIdleConnections" | "closeAllConnections">,
  close: () => Promise<unknown>,
  graceMs: number,
): Promise<void> {
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  try {
    const closed = close();
    server.closeIdleConnections();
    await closed;
  } finally {
    clearTimeout(deadline);
  }
}
