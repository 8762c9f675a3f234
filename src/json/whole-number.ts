import type { JsonObject } from "./json-value.ts";

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
