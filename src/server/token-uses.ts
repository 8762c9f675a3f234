import type { Caller } from "../features/access/caller.ts";
import { noteTokensUsed } from "../features/access/token.service.ts";
import type { Database } from "../store/tables.ts";
import { inTransaction } from "../store/transaction.ts";
import type { EpochMs } from "../time.ts";

const WRITE_EVERY_MS = 5_000;
const MOST_SEEN = 100_000;

export interface TokenUses {
  note(caller: Caller, at: EpochMs): void;
  stop(): Promise<void>;
}

/** Remembers when each token was used last and writes it down every few seconds: a read must not cost a commit. */
export function tokenUses({
  db,
  onError,
}: {
  readonly db: Database;
  readonly onError: (error: unknown) => void;
}): TokenUses {
  let pending = new Map<string, EpochMs>();
  const seen = new Set<string>();
  let isFailing = false;

  async function write(): Promise<void> {
    if (pending.size === 0) return;
    const uses = pending;
    pending = new Map();
    try {
      await inTransaction(db, (tx) => noteTokensUsed(tx, uses));
      isFailing = false;
      if (seen.size > MOST_SEEN) seen.clear();
      for (const tokenId of uses.keys()) seen.add(tokenId);
    } catch (error) {
      // They are written with the next; what came meanwhile is later.
      isFailing = true;
      pending = new Map([...uses, ...pending]);
      onError(error);
    }
  }
  const timer = setInterval(() => void write(), WRITE_EVERY_MS);
  timer.unref();

  return {
    note(caller, at) {
      if (caller.kind !== "token") return;
      pending.set(caller.id, at);
      // That a token is used at all decides whether another may take its place (L19): it is known at once.
      if (!seen.has(caller.id) && !isFailing) void write();
    },
    async stop() {
      clearInterval(timer);
      await write();
    },
  };
}
