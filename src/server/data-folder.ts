import { mkdirSync, statSync } from "node:fs";
import { fileMend, StartRefusal } from "../start-refusal.ts";

/** Made for its owner alone where it is absent; in one that others can list, each file guards itself (S62). */
export function openDataFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (!statSync(path).isDirectory()) throw new Error("it is not a folder");
  } catch (error) {
    const mend = fileMend(error) ?? "set ENTENTE_DATA to another folder";
    throw new StartRefusal(`the data folder ${path} cannot be used: ${(error as Error).message}; ${mend}`, error);
  }
  return path;
}
