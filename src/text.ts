import type { Brand } from "./brand.ts";
import { Refusal } from "./errors.ts";

/** Free text that people wrote: NFC, at most 1,024 bytes, no character that hides or moves others (S6). */
export type FreeText = Brand<string, "FreeText">;

const MAX_BYTES = 1_024;
/**
 * Controls, line and paragraph separators, lone surrogates, and what is not seen by itself: bidirectional controls, zero-width
 * spaces, fillers. The joiners and variation selectors that scripts and emoji are spelled with stay.
 */
const FORBIDDEN =
  /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}\p{Default_Ignorable_Code_Point}]--[\u200c\u200d\ufe0e\ufe0f]]/v;
const BLANK = /^(?:\s|\u200c|\u200d|\ufe0e|\ufe0f)*$/;

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

/**
 * Reads the name of something: free text that is to be seen and told apart, so not blank and without white space around it.
 * @throws {Refusal} `invalid-text`
 */
export function parseName(text: string, pointer: string): FreeText {
  const name = parseText(text, pointer);
  if (BLANK.test(name)) throw new Refusal("invalid-text", "the name is blank", { pointer });
  if (name !== name.trim()) throw new Refusal("invalid-text", "the name begins or ends with white space", { pointer });
  return name;
}

/** `parseText` of a text that may be absent. */
export const parseOptionalText = (text: string | undefined, pointer: string): FreeText | null =>
  text === undefined ? null : parseText(text, pointer);
