import type { FastifyInstance } from "fastify";

/** Stops accepting, lets open requests end within `graceMs`, then closes what is left: a stalled one holds up nothing (L7). */
export async function closeWithin(app: FastifyInstance, graceMs: number): Promise<void> {
  const server = app.server as typeof app.server & { closeIdleConnections(): void; closeAllConnections(): void };
  const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
  try {
    const closed = app.close();
    server.closeIdleConnections();
    await closed;
  } finally {
    clearTimeout(deadline);
  }
}
