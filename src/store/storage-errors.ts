import { overloaded, Refusal } from "../errors.ts";

/**
 * SQLite and PostgreSQL codes that say the database cannot do it now: busy, locked, timed out, full, read-only, broken,
 * gone, or not letting us in (L3, L13, L16).
 */
const UNAVAILABLE =
  /^(?:SQLITE_(?:BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|PROTOCOL)|08|25006|25P0[34]|28|3D000|40|53|55P03|57|58|XX00[12])/;
/** A deadlock or a serialisation failure: the same again may well succeed. */
const ASKS_FOR_ANOTHER = /^40(?:001|P01)$/;
/**
 * As an answer to COMMIT these do not say what became of it: the connection broke or was ended; the disk failed, and may
 * hold the commit all the same, which the next who opens the file then finds.
 */
const UNSAID = /^(?:08|57|SQLITE_IOERR)/;
/** PostgreSQL: a lock was not given in time. Somebody else writes, so that the database can. */
const LOCK_NOT_AVAILABLE = "55P03";
/** PostgreSQL: the role has no right to it. Of one statement, so that others beside it go on. */
const INSUFFICIENT_PRIVILEGE = "42501";
/** A text that PostgreSQL cannot hold, above all one with U+0000; what else it says of data is our own mistake. */
const UNSTORABLE_TEXT = /^22(?:021|P05)$/;

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && !(error instanceof Refusal) ? code : "";
}

/** The database cannot do it now, whatever it is asked. */
export const isUnavailable = (error: unknown): boolean => UNAVAILABLE.test(codeOf(error));
/** Another process holds SQLite's lock. */
export const isLocked = (error: unknown): boolean => /^SQLITE_(?:BUSY|LOCKED)/.test(codeOf(error));
/** A change that waited too long for others' changes. */
export const isKeptWaiting = (error: unknown): boolean => codeOf(error) === LOCK_NOT_AVAILABLE;
export const isWithoutRights = (error: unknown): boolean => codeOf(error) === INSUFFICIENT_PRIVILEGE;
export const isAsksForAnother = (error: unknown): boolean => ASKS_FOR_ANOTHER.test(codeOf(error));
/** Of an error that came while a transaction was being committed. */
export const isOutcomeUnknown = (error: unknown): boolean => UNSAID.test(codeOf(error));

/** A change that may have been made and may not: saying that nothing was changed could be a lie. */
export const outcomeUnknown = (cause: unknown): Refusal =>
  new Refusal(
    "storage-unavailable",
    "the database failed while the change was being committed: whether it was made is not known; look before you try again",
    { extra: { outcome: "unknown" }, cause },
  );

/**
 * A database that cannot answer, or may not as its owner has granted too little, becomes 503 `storage-unavailable`; one in
 * which others write for too long, 503 `overloaded`; every other error stays what it is.
 */
export function asStorageRefusal(error: unknown): unknown {
  const code = codeOf(error);
  if (UNSTORABLE_TEXT.test(code)) return new Refusal("invalid-text", "a text holds U+0000", { cause: error });
  if (isKeptWaiting(error)) return overloaded("another server's change took too long; nothing was changed");
  if (!isUnavailable(error) && !isWithoutRights(error)) return error;
  return new Refusal("storage-unavailable", "the database cannot answer now; nothing was changed", { cause: error });
}
