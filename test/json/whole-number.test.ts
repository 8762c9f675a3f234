import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/json/json-value.ts";
import { parseJson } from "../../src/json/parse-json.ts";
import { asWritten, wholeNumber } from "../../src/json/whole-number.ts";

const read = (source: string) => wholeNumber(parseJson(`{"n": ${source} }`) as JsonObject, "n");

describe("an integer is read from its source text (S3)", () => {
  test.each([
    ["0", 0n],
    ["300", 300n],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854775807", 9223372036854775807n],
  ])("%s is one", (source, value) => {
    expect(read(source)).toBe(value);
  });

  test.each([
    "300.0",
    "3e2",
    "3E+2",
    "-0",
    "-1",
    "-9007199254740993",
    "1.5",
    "9223372036854775808",
    "9999999999999999999",
    "100000000000000000000",
    '"300"',
    "null",
    "true",
    "[300]",
  ])("%s is none: a fraction, an exponent, a sign, too large, or no number", (source) => {
    expect(read(source)).toBeUndefined();
  });

  test("an absent member is none", () => {
    expect(wholeNumber(parseJson("{}") as JsonObject, "n")).toBeUndefined();
  });

  test("one member's notation says nothing of its neighbours", () => {
    const object = parseJson('{"a":1.0,"b":1,"c":2e0}') as JsonObject;
    expect(["a", "b", "c"].map((name) => wholeNumber(object, name))).toEqual([undefined, 1n, undefined]);
  });
});

describe("what was not written as a plain integer is marked for whoever knows where one belongs (S3)", () => {
  test("at any depth, and nothing beside it", () => {
    const marked = asWritten(parseJson('{"a":[{"b":3e2,"c":1.5,"d":300,"e":"1.0"}],"f":-0}'));
    expect(marked).toEqual({ a: [{ b: 300n, c: 1.5, d: 300, e: "1.0" }], f: 0n });
  });

  test("a value without any is given back as it is", () => {
    const plain = parseJson('{"a":[1,{"b":null,"c":1.5}],"d":9007199254740993}');
    expect(asWritten(plain)).toBe(plain);
  });
});
