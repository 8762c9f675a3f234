import type { Caller } from "../features/access/caller.ts";
import type { Allowance } from "../rate-limiter.ts";

/** Limits of the admin listener; names and defaults are the configuration's. */
export interface AdminLimits {
  readonly bodyBytes: number;
  readonly uploadBytes: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly connectionCheckMs: number;
  readonly headerBytes: number;
  readonly requestsPerConnection: number;
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
  readonly operatorRequestsPerSecond: number;
  readonly operatorRequestBurst: number;
  readonly failedLoginsPerMinute: number;
  readonly loopDelayMs: number;
}

/**
 * Who may ask how often. Refused logins are held against the address, never against an identity: what held before goes on
 * from an address whose guesses are stopped (S22, S28). `authorization` is the request's header.
 */
export interface Throttle {
  /** @throws {Refusal} `too-many-requests` for an address that had too many logins refused */
  beforeLogin(source: string, authorization: string | undefined): void;
  succeededLogin(authorization: string | undefined): void;
  failedLogin(source: string, authorization: string | undefined): void;
  /** @returns what is left @throws {Refusal} `too-many-requests` */
  request(caller: Caller): Allowance;
}
