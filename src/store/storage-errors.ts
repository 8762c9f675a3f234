import { Refusal } from "../errors.ts";

/** SQLite and PostgreSQL codes that say the database cannot do it now: busy, full, read-only, broken, gone (L3, L16). */
const UNAVAILABLE = /^(SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|PROTOCOL)|08|53|57P|58|ECONN)/;

/** A database that cannot answer becomes 503 `storage-unavailable`; every other error stays what it is. */
export function asStorageRefusal(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof Refusal || typeof code !== "string" || !UNAVAILABLE.test(code)) return error;
  return new Refusal("storage-unavailable", "the database cannot take this change now; nothing was changed", {
    cause: error,
  });
}
