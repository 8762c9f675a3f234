import { Refusal } from "../errors.ts";

/** A cursor says after which item the next page begins; callers take it as it is. */
export const toCursor = (after: string | number): string => Buffer.from(JSON.stringify([after])).toString("base64url");

/** @throws {Refusal} `invalid-cursor` */
export function fromCursor<T extends string | number>(cursor: string | undefined, start: T): T {
  if (cursor === undefined) return start;
  try {
    const [after] = JSON.parse(Buffer.from(cursor, "base64url").toString()) as [unknown];
    const isWhole = typeof after !== "number" || Number.isSafeInteger(after);
    if (typeof after === typeof start && isWhole) return after as T;
  } catch {
    // Said below: no detail of a broken cursor is of use to anybody.
  }
  throw new Refusal("invalid-cursor", "the cursor is not one of this list", { pointer: "/cursor" });
}
