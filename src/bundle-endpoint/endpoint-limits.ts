/** How much of the public listener one caller may take. The names are those of the configuration's limits. */
export interface EndpointLimits {
  /** Polls by unknown tokens a minute an address (S36). */
  readonly unknownPollersPerMinute: number;
  /** Polls a second, and at once, a poller's token (S36). */
  readonly pollsPerSecond: number;
  readonly pollBurst: number;
  /** S58 */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly connectionCheckMs: number;
  readonly headerBytes: number;
  readonly requestsPerConnection: number;
  /** Connections to one listener, and from one address (IPv6: a /64) to one listener (S59). */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Beyond both, for an address that polled with success in the last hour. */
  readonly reservedConnectionsPerAddress: number;
}
