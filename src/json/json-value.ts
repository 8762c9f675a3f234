/**
 * A parsed JSON value. An integer beyond ±(2^53 - 1) with at most 19 digits is a `bigint`, so that it is never
 * altered; objects have no prototype, so that only what was sent can be read from them.
 */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: JsonValue;
}

export const isJsonArray = (value: JsonValue | undefined): value is readonly JsonValue[] => Array.isArray(value);

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
