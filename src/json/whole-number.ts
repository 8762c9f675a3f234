import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "./json-value.ts";

const LARGEST = 2n ** 63n - 1n;

/** Per object, the members whose integral value was written with a fraction or an exponent (`300.0`, `3e2`), or as `-0`. */
const notPlain = new WeakMap<object, Set<string>>();

/** The parser's note that the source text of a member is no plain integer, though its value is one. */
export function noteNotPlain(object: object, name: string): void {
  const names = notPlain.get(object);
  if (names) names.add(name);
  else notPlain.set(object, new Set([name]));
}

/**
 * Reads the member as its source text has it (S3): an integer of 0 to 2^63 - 1 without sign, fraction or exponent.
 * @returns undefined where the member is absent or anything else
 */
export function wholeNumber(object: JsonObject, name: string): bigint | undefined {
  const value = object[name];
  const exact = typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
  if (!exact || notPlain.get(object)?.has(name)) return undefined;
  const whole = BigInt(value);
  return whole >= 0n && whole <= LARGEST ? whole : undefined;
}

/**
 * The value with the members that were not written as plain integers as `bigint`s, which are no schema's integers (S3); itself
 * where it has none.
 */
export function asWritten(value: JsonValue): JsonValue {
  if (isJsonArray(value)) {
    const items = value.map(asWritten);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isJsonObject(value)) return value;
  const names = notPlain.get(value);
  const members = Object.entries(value).map(([name, member]): [string, JsonValue] => [
    name,
    names?.has(name) ? BigInt(member as number) : asWritten(member),
  ]);
  return members.every(([name, member]) => member === value[name]) ? value : Object.fromEntries(members);
}
