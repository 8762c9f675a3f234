import { DAY_MS } from "../../time.ts";

/** For how long an answer is remembered, in milliseconds (L19). */
export const REMEMBERED_MS = DAY_MS;

/** So many stay whatever the clock says: one that was ahead for a moment makes none of them take effect twice (L6). */
export const KEPT_ANSWERS = 1_000;

/** What tells one attempt from another: who, what, under which key, and what exactly was asked. */
export interface Attempt {
  /** Token or invitation ID. */
  readonly credential: string;
  /** SHA-256 of operation and path. */
  readonly operation: string;
  /** The caller's `Idempotency-Key`. */
  readonly key: string;
  /** SHA-256 of query and body. */
  readonly digest: string;
}

/** The answer to an attempt that took effect; never a secret. */
export interface RememberedAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly location?: string;
}
