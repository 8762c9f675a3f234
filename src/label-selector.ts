import { Refusal } from "./errors.ts";
import { type FreeText, parseText } from "./text.ts";

/** One thing that is asked of a label; `notin` holds also where there is no such label, as in Kubernetes. */
export type LabelRequirement =
  | { readonly name: string; readonly operator: "exists" | "absent" }
  | { readonly name: string; readonly operator: "in" | "notin"; readonly values: readonly FreeText[] };

/** All of it must hold; an empty one holds of everything. */
export type LabelSelector = readonly LabelRequirement[];

const MOST_REQUIREMENTS = 16;
const MOST_NAME_CHARACTERS = 128;
const NAME_CHARACTER = /[a-z0-9A-Z._/-]/;
const BLANK = " \t\r\n";
const ENDS_A_WORD = `=!<>(),${BLANK}`;

/** A selector that is being read, and how far it was. */
interface Reading {
  readonly text: string;
  at: number;
}

/**
 * Reads Kubernetes' equality and set selectors: `env=prod,tier!=db,region,!legacy,zone in (a,b),rack notin (c)`. One
 * pass from left to right without a pattern (S7). Values are any text without white space and `=!<>(),`.
 * @throws {Refusal} `invalid-label-selector`, `invalid-text`; the pointer is the query parameter's
 */
export function parseLabelSelector(text: string): LabelSelector {
  const reading: Reading = { text, at: 0 };
  const requirements: LabelRequirement[] = [];
  skipBlanks(reading);
  if (isAtEnd(reading)) return requirements;
  do {
    if (requirements.length === MOST_REQUIREMENTS)
      throw refusal(reading, `there are more than ${MOST_REQUIREMENTS} requirements`);
    requirements.push(readRequirement(reading));
  } while (take(reading, ","));
  if (!isAtEnd(reading)) throw refusal(reading, "a comma or the end was expected");
  return requirements;
}

function readRequirement(reading: Reading): LabelRequirement {
  if (take(reading, "!")) return { name: readName(reading), operator: "absent" };
  const name = readName(reading);
  if (take(reading, "!=")) return { name, operator: "notin", values: [readValue(reading)] };
  if (take(reading, "==") || take(reading, "=")) return { name, operator: "in", values: [readValue(reading)] };
  const operator = readWord(reading);
  if (operator === "") return { name, operator: "exists" };
  if (operator === "in" || operator === "notin") return { name, operator, values: readValues(reading) };
  throw refusal(reading, `"${operator.slice(0, 80)}" is not an operator`);
}

function readName(reading: Reading): string {
  const name = readWord(reading);
  if (name === "") throw refusal(reading, "a label's name was expected");
  if (name.length > MOST_NAME_CHARACTERS || ![...name].every((character) => NAME_CHARACTER.test(character)))
    throw refusal(reading, `"${name.slice(0, 80)}" is not a label's name`);
  return name;
}

function readValues(reading: Reading): FreeText[] {
  if (!take(reading, "(")) throw refusal(reading, "( was expected");
  const values: FreeText[] = [];
  do values.push(readValue(reading));
  while (take(reading, ","));
  if (!take(reading, ")")) throw refusal(reading, ") was expected");
  return values;
}

const readValue = (reading: Reading): FreeText => parseText(readWord(reading), POINTER);

/** What stands before the next blank or special character, which may be nothing; blanks after it are passed over. */
function readWord(reading: Reading): string {
  const start = reading.at;
  while (!isAtEnd(reading) && !ENDS_A_WORD.includes(reading.text.charAt(reading.at))) reading.at += 1;
  const word = reading.text.slice(start, reading.at);
  skipBlanks(reading);
  return word;
}

/** Passes over this text and the blanks after it, if it stands here. */
function take(reading: Reading, expected: string): boolean {
  if (!reading.text.startsWith(expected, reading.at)) return false;
  reading.at += expected.length;
  skipBlanks(reading);
  return true;
}

function skipBlanks(reading: Reading): void {
  while (!isAtEnd(reading) && BLANK.includes(reading.text.charAt(reading.at))) reading.at += 1;
}

const isAtEnd = ({ text, at }: Reading): boolean => at >= text.length;

const POINTER = "/labelSelector";
const refusal = ({ at }: Reading, what: string): Refusal =>
  new Refusal("invalid-label-selector", `${what} (at character ${at + 1})`, { pointer: POINTER });
