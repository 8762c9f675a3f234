import { existsSync, readFileSync } from "node:fs";
import { writeFileDurably } from "../durable-file.ts";
import { fileMend, StartRefusal } from "../start-refusal.ts";
import type { NumberAhead } from "../views/numbers-ahead.ts";

/** Numbers that were given out beyond the log, in a file beside the database: the next process gives out none below (R16). */
export interface KeptNumbers {
  /** Durable when it returns; where the disk refuses, when a later `retry` succeeds. */
  keep(all: readonly NumberAhead[]): void;
  retry(): void;
}

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
    keep(all) {
      waiting = all;
      retry();
    },
    retry,
  };
}

/**
 * What an earlier process left.
 * @throws {StartRefusal} the file is not of this program's writing; its removal forgets the numbers in it
 */
export function leftNumbers(path: string): readonly NumberAhead[] {
  if (!existsSync(path)) return [];
  try {
    const { numbersAhead } = JSON.parse(readFileSync(path, "utf8")) as { numbersAhead: NumberAhead[] };
    if (!numbersAhead.every(({ sequence, content }) => Number.isSafeInteger(sequence) && typeof content === "string"))
      throw new Error("a number is none");
    return numbersAhead;
  } catch (error) {
    if (fileMend(error) !== undefined) throw error;
    throw new StartRefusal(
      `${path} cannot be read (${(error as Error).message}); restore it, or raise the generation as after a restore ` +
        "(docs/operators.md), then remove it: no number is given out again (R16)",
      error,
    );
  }
}
