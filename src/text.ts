import type { Brand } from "./brand.ts";
import { Refusal } from "./errors.ts";

/** Free text that people wrote: NFC, at most 1,024 bytes, no character that hides or moves others (S6). */
export type FreeText = Brand<string, "FreeText">;

const MAX_BYTES = 1_024;
/** C0 and C1 controls, line and paragraph separators, bidirectional controls, lone surrogates. */
const FORBIDDEN = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u;

/**
 * Reads free text and brings it into NFC.
 * @param pointer JSON pointer of the member it came from
 * @throws {Refusal} `invalid-text`
 */
export function parseText(text: string, pointer: string): FreeText {
  const normal = text.normalize("NFC");
  if (FORBIDDEN.test(normal))
    throw new Refusal("invalid-text", "the text holds a control or hidden character", { pointer });
  if (Buffer.byteLength(normal) > MAX_BYTES) {
    throw new Refusal("invalid-text", `the text is longer than ${MAX_BYTES} bytes`, { pointer });
  }
  return normal as FreeText;
}

/** `parseText` of a text that may be absent. */
export const parseOptionalText = (text: string | undefined, pointer: string): FreeText | null =>
  text === undefined ? null : parseText(text, pointer);
