import { chmodSync } from "node:fs";
import BetterSqlite3 from "better-sqlite3";
import { StartRefusal } from "../start-refusal.ts";

/**
 * Holds a data folder for this process: an exclusive transaction on a file of its own, which dies with the process
 * however that ends.
 * @returns what lets it go
 * @throws {StartRefusal} when another process holds it
 */
export function holdDataFolder(path: string): () => void {
  const handle = new BetterSqlite3(path, { timeout: 0 });
  chmodSync(path, 0o600);
  try {
    handle.exec("begin exclusive");
  } catch (error) {
    handle.close();
    if (!String((error as { code?: unknown }).code).startsWith("SQLITE_BUSY")) throw error;
    throw new StartRefusal(
      `another broker runs on this data folder (it holds ${path}): stop it, or use another folder`,
      error,
    );
  }
  return () => handle.close();
}
