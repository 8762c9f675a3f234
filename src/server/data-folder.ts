import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileMend, StartRefusal } from "../start-refusal.ts";

/** Made for its owner alone where it is absent; in one that others can list, each file guards itself (S62). */
export function openDataFolder(path: string): string {
  try {
    makeFolder(resolve(path));
    if (!statSync(path).isDirectory()) throw new Error("it is not a folder");
  } catch (error) {
    const mend = fileMend(error) ?? "set ENTENTE_DATA to another folder";
    throw new StartRefusal(`the data folder ${path} cannot be used: ${(error as Error).message}; ${mend}`, error);
  }
  return path;
}

/** One after another: where the system makes no folders, as in /proc, Node's own way of making several would never end. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another server made it meanwhile, for a folder of its own beside ours.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
