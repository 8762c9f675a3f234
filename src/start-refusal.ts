/**
 * The process cannot start like this (L9). The message names the cause and what mends it; the process prints it and
 * exits 78 (EX_CONFIG).
 */
export class StartRefusal extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = new.target.name;
  }
}

const RIGHTS = "give the broker's user the right to it";
const ROOM = "make room on its file system";

/** What mends that the operating system refuses a file, by its code. */
const MENDS: Readonly<Record<string, string>> = {
  EROFS: "mount its file system for writing, or set ENTENTE_DATA to a folder on one that is (L4)",
  EACCES: RIGHTS,
  EPERM: RIGHTS,
  ENOSPC: ROOM,
  EDQUOT: ROOM,
  ENOTDIR: "remove the file that is where a folder must be, or set ENTENTE_DATA to another folder",
  EISDIR: "remove the folder that is where a file must be, or set ENTENTE_DATA to another folder",
};

/**
 * What mends an error of a file that the operating system refuses; undefined of any other error, a connection's among
 * them.
 */
export function fileMend(error: unknown): string | undefined {
  const { code, path } = error as { code?: unknown; path?: unknown };
  // A file that is written, synced or closed is known by its number alone.
  const isOfFile = typeof path === "string" || code === "ENOSPC" || code === "EDQUOT";
  return isOfFile && typeof code === "string" ? MENDS[code] : undefined;
}

/** A start's error as the refusal that it is; undefined of what nobody foresaw. */
export function asStartRefusal(error: unknown): StartRefusal | undefined {
  if (error instanceof StartRefusal) return error;
  const mend = fileMend(error);
  return mend === undefined ? undefined : new StartRefusal(`${(error as Error).message}: ${mend}`, error);
}
