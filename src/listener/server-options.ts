/** How long a client may take for what, and how large a head may be; names are the configuration's (S58). */
export interface ServerLimits {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly connectionCheckMs: number;
  readonly headerBytes: number;
}

/** The limits that Node keeps itself, where it makes the server. */
export const serverOptions = (limits: ServerLimits) => ({
  handshakeTimeout: limits.handshakeTimeoutMs,
  headersTimeout: limits.headersTimeoutMs,
  requestTimeout: limits.requestTimeoutMs,
  keepAliveTimeout: limits.keepAliveTimeoutMs,
  connectionsCheckingInterval: limits.connectionCheckMs,
  maxHeaderSize: limits.headerBytes,
  // Ours to answer.
  requireHostHeader: false,
});
