import { type ErrorCode, Refusal } from "../errors.ts";
import type { JsonValue } from "./json-value.ts";
import { pointerStep } from "./pointer.ts";
import { noteNotPlain } from "./whole-number.ts";

export interface JsonLimits {
  /** How many arrays and objects may lie inside one another. */
  readonly depth: number;
  /** How many values there may be in all, arrays and objects counted too. */
  readonly values: number;
}

const LIMITS: JsonLimits = { depth: 16, values: 20_000 };

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER_OF_19_DIGITS = /^-?\d{1,19}$/;
const LITERALS = new Map<string, JsonValue>([
  ["true", true],
  ["false", false],
  ["null", null],
]);
const LONGEST_POINTER = 1024;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The one parser of foreign JSON: RFC 8259 and nothing beside it (S2, R90). Refuses what `JSON.parse` refuses, and also
 * bytes that are not UTF-8, a member that comes twice once unescaped, `__proto__`, an unpaired surrogate (no UTF-8
 * could carry it further), a number beyond every double, and what passes the limits.
 * @throws {Refusal} `invalid-json`, `duplicate-member` or `too-complex`, with a pointer to the value
 */
export function parseJson(input: Uint8Array | string, limits: JsonLimits = LIMITS): JsonValue {
  const text = typeof input === "string" ? input : decode(input);
  const path: (string | number)[] = [];
  let at = 0;
  let values = 0;

  const document = parseValue();
  skipSpace();
  if (at < text.length) throw unexpected();
  return document;

  function parseValue(): JsonValue {
    skipSpace();
    values += 1;
    if (values > limits.values) throw refusal("too-complex", `There are more than ${limits.values} values`);
    const first = text[at];
    if (first === "{") return parseObject();
    if (first === "[") return parseArray();
    if (first === '"') return parseString();
    if (first === "t" || first === "f" || first === "n") return parseLiteral(first === "f" ? 5 : 4);
    return parseNumber();
  }

  function parseObject(): JsonValue {
    enter();
    const object: Record<string, JsonValue> = Object.create(null);
    if (accept("}")) return object;
    do {
      skipSpace();
      if (text[at] !== '"') throw unexpected();
      const name = parseString();
      path.push(name);
      if (name === "__proto__") throw refusal("invalid-json", "No member may be called __proto__");
      if (name in object)
        throw refusal("duplicate-member", `The member ${JSON.stringify(name.slice(0, 64))} comes twice`);
      if (!accept(":")) throw unexpected();
      skipSpace();
      const start = at;
      const value = parseValue();
      if (Number.isInteger(value) && /[-.eE]/.test(text.slice(start, at))) noteNotPlain(object, name);
      object[name] = value;
      path.pop();
    } while (accept(","));
    if (!accept("}")) throw unexpected();
    return object;
  }

  function parseArray(): JsonValue {
    enter();
    const array: JsonValue[] = [];
    if (accept("]")) return array;
    do {
      path.push(array.length);
      array.push(parseValue());
      path.pop();
    } while (accept(","));
    if (!accept("]")) throw unexpected();
    return array;
  }

  /** Each step of the path is one array or object around this one: the depth needs no counter of its own. */
  function enter(): void {
    if (path.length >= limits.depth) throw refusal("too-complex", `The JSON is deeper than ${limits.depth}`);
    at += 1;
  }

  function parseString(): string {
    const start = at;
    let escaped = false;
    for (at += 1; text.charCodeAt(at) !== QUOTE; at += 1) {
      const code = text.charCodeAt(at);
      if (code === BACKSLASH) {
        escaped = true;
        at += 1;
      } else if (!(code >= SPACE)) throw unexpected();
    }
    at += 1;
    const value = escaped ? unescaped(text.slice(start, at)) : text.slice(start + 1, at - 1);
    if (!value.isWellFormed()) throw refusal("invalid-json", "A string has an unpaired surrogate");
    return value;
  }

  function unescaped(quoted: string): string {
    try {
      return JSON.parse(quoted);
    } catch {
      throw refusal("invalid-json", `The string that ends at character ${at} has an escape that JSON does not know`);
    }
  }

  function parseLiteral(length: number): JsonValue {
    const value = LITERALS.get(text.slice(at, at + length));
    if (value === undefined) throw unexpected();
    at += length;
    return value;
  }

  function parseNumber(): number | bigint {
    NUMBER.lastIndex = at;
    const source = NUMBER.exec(text)?.[0];
    if (source === undefined) throw unexpected();
    const value = Number(source);
    if (!Number.isFinite(value))
      throw refusal("invalid-json", `The number ${source.slice(0, 64)} is beyond every double`);
    at += source.length;
    if (!Number.isSafeInteger(value) && INTEGER_OF_19_DIGITS.test(source)) return BigInt(source);
    return value;
  }

  function accept(character: string): boolean {
    skipSpace();
    if (text[at] !== character) return false;
    at += 1;
    return true;
  }

  function skipSpace(): void {
    while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at += 1;
  }

  function unexpected(): Refusal {
    const what = at < text.length ? `Unexpected character at ${at}` : "The JSON ends too early";
    return refusal("invalid-json", what);
  }

  function refusal(code: ErrorCode, message: string): Refusal {
    let pointer = "";
    for (const step of path.map(pointerStep)) {
      if (pointer.length + step.length > LONGEST_POINTER) break;
      pointer += step;
    }
    return new Refusal(code, message, { pointer });
  }
}

/** `ignoreBOM` leaves the mark in the text, where it is refused as the character that it is. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new Refusal("invalid-json", "The bytes are not UTF-8", { pointer: "", cause });
  }
}
