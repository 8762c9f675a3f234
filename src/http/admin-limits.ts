import type { Caller } from "../features/access/caller.ts";
import type { GuardLimits } from "../listener/connection-guard.ts";
import type { ServerLimits } from "../listener/server-options.ts";
import type { Allowance } from "../rate-limiter.ts";

/** Limits of the admin listener; names and defaults are the configuration's. */
export interface AdminLimits extends ServerLimits, Omit<GuardLimits, "connections" | "connectionsPerAddress"> {
  readonly adminConnections: number;
  readonly adminConnectionsPerAddress: number;
  readonly bodyBytes: number;
  readonly uploadBytes: number;
  readonly requestsPerSecond: number;
  readonly requestBurst: number;
  readonly operatorRequestsPerSecond: number;
  readonly operatorRequestBurst: number;
  readonly failedLoginsPerMinute: number;
  readonly loopDelayMs: number;
}

/** What a rate says to one more. */
export interface RateDecision extends Allowance {
  readonly policy: "default" | "refused-credentials";
  readonly mayPass: boolean;
  /** When one may pass again that may not now. */
  readonly retryAfterSeconds: number;
}

/**
 * Who may ask how often. Refused logins are held against the address, never against an identity: what held before goes on
 * from an address whose guesses are stopped (S22, S28). `authorization` is the request's header.
 */
export interface Throttle {
  /**
   * Of an address so many logins at once as it may have refused: the others wait to know how those ended. One that has held
   * waits for none.
   * @throws {Refusal} `overloaded` where none ended in two seconds (L18); what `login` throws
   */
  inTurn<T>(source: string, authorization: string | undefined, login: () => Promise<T>): Promise<T>;
  /** Whether an address may try a credential: not after too many were refused, but for one that has held. */
  beforeLogin(source: string, authorization: string | undefined): RateDecision;
  succeededLogin(authorization: string | undefined): void;
  failedLogin(source: string, authorization: string | undefined): void;
  /** Counts a request where it may pass. */
  request(caller: Caller): RateDecision;
}
