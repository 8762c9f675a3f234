import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { Database } from "../store/tables.ts";
import type { UnitOfWork } from "../store/unit-of-work.ts";
import type { Clock } from "../time.ts";
import type { TokenLives } from "./access/token.service.ts";
import type { PublicUrls } from "./pollers/poller.ts";

/** What every endpoint works with: the parts of a running broker, handed in. */
export interface Broker {
  readonly db: Database;
  readonly unitOfWork: UnitOfWork;
  readonly clock: Clock;
  /** The broker's own trust domain. */
  readonly trustDomain: TrustDomain;
  /** The high part of every sequence. */
  readonly generation: number;
  /** Where the bundle endpoint is reached; known once it listens. */
  readonly publicUrls: () => PublicUrls;
  readonly tokenLives: TokenLives;
  readonly invitationSeconds: number;
  readonly refreshHintSeconds: number;
}
