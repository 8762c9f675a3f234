import { chmodSync } from "node:fs";
import BetterSqlite3 from "better-sqlite3";
import { fileMend, StartRefusal } from "../start-refusal.ts";

/**
 * Holds a data folder for this process: an exclusive transaction on a file of its own, which dies with the process
 * however that ends.
 * @returns what lets it go
 * @throws {StartRefusal} when another process holds it, or the folder takes no writes (L4)
 */
export function holdDataFolder(path: string): () => void {
  let handle: BetterSqlite3.Database | undefined;
  try {
    handle = new BetterSqlite3(path, { timeout: 0 });
    chmodSync(path, 0o600);
    handle.exec("begin exclusive");
    return () => handle?.close();
  } catch (error) {
    handle?.close();
    if (String((error as { code?: unknown }).code).startsWith("SQLITE_BUSY"))
      throw new StartRefusal(
        `another broker runs on this data folder (it holds ${path}): stop it, or use another folder`,
        error,
      );
    // SQLite says of a folder or file that it may not write no more than that it cannot open it.
    const mend =
      fileMend(error) ??
      "its folder must be on a local file system that is mounted for writing, and be the broker's user's to write (L4)";
    throw new StartRefusal(`the data folder takes no writes: ${path}: ${(error as Error).message}; ${mend}`, error);
  }
}
