import { existsSync, readFileSync } from "node:fs";
import { writeFileDurably } from "../durable-file.ts";
import type { NumberAhead } from "../views/numbers-ahead.ts";

/** Numbers that were given out beyond the log, in a file beside the database: the next process gives out none below (R16). */
export interface KeptNumbers {
  /** What an earlier process left. */
  readonly left: readonly NumberAhead[];
  /** Durable when it returns; where the disk refuses, when a later `retry` succeeds. */
  keep(all: readonly NumberAhead[]): void;
  retry(): void;
}

/** @throws {Error} the file is not of this program's writing; its removal forgets the numbers in it */
export function keptNumbers(path: string): KeptNumbers {
  let waiting: readonly NumberAhead[] | undefined;

  function retry(): void {
    if (waiting === undefined) return;
    try {
      writeFileDurably(path, `${JSON.stringify({ numbersAhead: waiting })}\n`);
      waiting = undefined;
    } catch {
      // A full disk refuses no poll (decision 12).
    }
  }

  return {
    left: existsSync(path) ? readNumbers(path) : [],
    keep(all) {
      waiting = all;
      retry();
    },
    retry,
  };
}

function readNumbers(path: string): readonly NumberAhead[] {
  try {
    const { numbersAhead } = JSON.parse(readFileSync(path, "utf8")) as { numbersAhead: NumberAhead[] };
    if (!numbersAhead.every(({ sequence, content }) => Number.isSafeInteger(sequence) && typeof content === "string"))
      throw new Error("a number is none");
    return numbersAhead;
  } catch (error) {
    throw new Error(
      `${path} cannot be read (${(error as Error).message}); it is safe to remove if no clock was set back`,
    );
  }
}
