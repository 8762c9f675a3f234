import type { Delivery } from "../features/deliveries/delivery.ts";
import type { ClientSeen } from "../features/pollers/poller-client.ts";
import type { ListenAddress } from "../listen-address.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import type { NumberAhead } from "../views/numbers-ahead.ts";
import type { PublicationChange } from "../views/publication-inputs.ts";
import type { EndpointLimits } from "./endpoint-limits.ts";
import type { ServingCertificate } from "./tls-options.ts";

/** One of the two standard profiles of a bundle endpoint (R56). */
export type Profile = "spiffe" | "web";

/** What the worker thread starts with. Plain data: it is copied to the thread. */
export interface WorkerOptions {
  readonly brokerTrustDomain: TrustDomain;
  readonly tombstoneSeconds: number;
  /** Where the thread keeps what its successor must know and the store may not. */
  readonly dataFolder: string;
  readonly addresses: Readonly<Record<Profile, ListenAddress>>;
  readonly certificates: Readonly<Record<Profile, ServingCertificate>>;
  readonly limits: EndpointLimits;
  readonly deliveryBatchMs: number;
  /** How long publications may go unconfirmed before the listener says it is not ready, in milliseconds (L8). */
  readonly maxStaleMs: number;
  /** See src/shared-clock.ts. */
  readonly clockOffset?: SharedArrayBuffer;
}

export interface WorkerData extends WorkerOptions {
  readonly counters: SharedArrayBuffer;
  /** Numbers that an earlier process gave out beyond the log. */
  readonly ahead: readonly NumberAhead[];
}

/** What the thread keeps in its data folder: numbers that it gave out beyond the log, first fetches that the ledger may not have. */
export const KEPT_FILES = { numbers: "numbers-ahead.json", fetches: "unrecorded-fetches" } as const;

/** From the main thread. What has an `id` is answered by `done` or `failed`. */
export type ToWorker =
  /** Applied before it listens. */
  | { readonly type: "load"; readonly change: PublicationChange }
  | { readonly type: "listen" }
  | { readonly type: "apply"; readonly id: number; readonly change: PublicationChange }
  | {
      readonly type: "certificates";
      readonly id: number;
      readonly certificates: Partial<Record<Profile, ServingCertificate>>;
    }
  | { readonly type: "flush"; readonly id: number }
  | { readonly type: "drain"; readonly id: number; readonly graceMs: number }
  | { readonly type: "close"; readonly id: number }
  | { readonly type: "fresh" }
  | { readonly type: "not-ready" }
  /** The batch is in the store. */
  | { readonly type: "noted"; readonly what: Batch["type"] };

/** What the main thread is to write down; of each type one at a time. */
export type Batch =
  | { readonly type: "deliveries"; readonly batch: readonly Delivery[] }
  | { readonly type: "clients"; readonly batch: readonly ClientSeen[] };

/** From the worker thread. */
export type FromWorker =
  | { readonly type: "listening"; readonly addresses: Readonly<Record<Profile, ListenAddress>> }
  | { readonly type: "done"; readonly id: number }
  | { readonly type: "failed"; readonly id: number; readonly message: string }
  | Batch;
