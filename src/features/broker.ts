import type { IdentityStores } from "../identity/broker-authority.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { Database } from "../store/tables.ts";
import type { UnitOfWork, Work } from "../store/unit-of-work.ts";
import type { Clock } from "../time.ts";
import type { TokenLives } from "./access/token.service.ts";
import type { PublicUrls } from "./pollers/poller.ts";

/** Where the broker's CA lies, as a unit of work reaches it: of what is done at once on several servers one does it. */
export type OpenIdentity = (work: Pick<Work, "tx" | "now" | "random">) => Promise<IdentityStores>;

/** A running broker as what serves its endpoints has it. */
export interface StoredBroker extends Broker {
  readonly db: Database;
  readonly unitOfWork: UnitOfWork;
}

/**
 * What every endpoint knows of the broker. The database comes with each call, as the transaction that it is part of: on one
 * connection, whoever reached past it would wait for itself.
 */
export interface Broker {
  readonly clock: Clock;
  /** The broker's own trust domain. */
  readonly trustDomain: TrustDomain;
  readonly identity: OpenIdentity;
  /** The high part of every sequence. */
  readonly generation: number;
  /** Seals cursors (S21). */
  readonly cursorKey: Buffer;
  /** Where the bundle endpoint is reached; known once it listens. */
  readonly publicUrls: () => PublicUrls;
  readonly tokenLives: TokenLives;
  /** Whether an operator may act in a mesh's place (S23). */
  readonly breakGlass: boolean;
  readonly invitationSeconds: number;
  readonly refreshHintSeconds: number;
}
