import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../src/json/json-value.ts";
import { parseJson } from "../../src/json/parse-json.ts";
import { refusalOf } from "../support/refusal-of.ts";

const bytes = (text: string) => Buffer.from(text, "utf8");
const withoutBigints = (value: JsonValue): unknown =>
  JSON.parse(JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? Number(inner) : inner)));
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

describe("what JSON.parse accepts is read alike", () => {
  const texts = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1.5",
    "1E+2",
    "0e+1",
    "123e-10000000",
    "9007199254740991",
    '""',
    '"\\u0000\\"\\\\\\/\\b\\f\\n\\r\\t"',
    '"\\uD83D\\uDE00"',
    '"\u007f\u2028\u2029\uffff"',
    "[]",
    "{}",
    " \t\r\n[ 1 , [ ] , { } ] \n",
    '{"":0,"a":{"a":[null]}}',
    '{"constructor":1,"toString":2,"hasOwnProperty":3}',
    '{"\u00e9":1,"e\u0301":2}',
  ];
  test.each(texts)("%s", (text) => {
    expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
  });

  test("any JSON value survives being written and read", () => {
    const values = fc.jsonValue({ maxDepth: 5, stringUnit: "binary" });
    fc.assert(
      fc.property(values, fc.constantFrom(undefined, "\t"), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(!text.includes("__proto__"));
        expect(withoutBigints(parseJson(bytes(text)))).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe("what JSON.parse refuses is refused: invalid-json (S2)", () => {
  const texts = [
    "",
    " ",
    "nul",
    "True",
    "nan",
    "[",
    "]",
    "[1",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1]]",
    "[1]x",
    "{",
    "{]",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a" 1}',
    "{a:1}",
    "{'a':1}",
    '{"a":1 "b":2}',
    '{"a":1}/**/',
    '"',
    '"\\"',
    '"\\',
    '"\\x41"',
    '"\\u12"',
    '"\\u 123"',
    '"a\nb"',
    '"a\u0000b"',
    "01",
    "-",
    "-01",
    "+1",
    ".5",
    "1.",
    "1.e3",
    "1e",
    "1e+",
    "0x10",
    "Infinity",
    "1_000",
    "\u00a01",
    "\u2028[]",
    "1\f",
    "[\u000b1]",
    "１",
  ];
  test.each(texts.map((text) => [JSON.stringify(text), text]))("%s", (_, text) => {
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(refusalOf(() => parseJson(bytes(text))).code).toBe("invalid-json");
  });

  test("a text broken anywhere is refused or read exactly as JSON.parse reads it", () => {
    const text = '{"keys":[{"kty":"EC","n":-1.5e+3,"x":"a\\u00e9\\n"},[],true,null],"hint":300}';
    const mutants = fc.tuple(fc.nat(text.length), fc.nat(3), fc.constantFrom(...'{}[]":,0e.-+\\u tn\n', ""));
    fc.assert(
      fc.property(mutants, ([at, cut, put]) => {
        const mutant = text.slice(0, at) + put + text.slice(at + cut);
        let expected: unknown;
        try {
          expected = JSON.parse(mutant);
        } catch {
          expect(["invalid-json", "duplicate-member"]).toContain(refusalOf(() => parseJson(mutant)).code);
          return;
        }
        try {
          expect(parseJson(mutant)).toEqual(expected);
        } catch (error) {
          expect(error).toMatchObject({ code: "duplicate-member" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("what JSON.parse would let through", () => {
  const notUtf8: [string, number[]][] = [
    ["a lone continuation byte", [0x22, 0x80, 0x22]],
    ["an overlong slash", [0x22, 0xc0, 0xaf, 0x22]],
    ["a surrogate in UTF-8", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a character cut off", [0x22, 0xe2, 0x82, 0x22]],
    ["beyond U+10FFFF", [0x22, 0xf4, 0xbf, 0xbf, 0xbf, 0x22]],
    ["Latin-1", [0x22, 0xe9, 0x22]],
    ["UTF-16", [0x5b, 0x00, 0x5d, 0x00]],
  ];
  test.each(notUtf8)("bytes that are not UTF-8 are refused, not replaced: %s (S2)", (_, octets) => {
    expect(refusalOf(() => parseJson(Uint8Array.from(octets))).code).toBe("invalid-json");
  });

  test("a byte order mark is refused, not skipped (S2)", () => {
    expect(refusalOf(() => parseJson(bytes("\ufeff{}"))).code).toBe("invalid-json");
    expect(parseJson(bytes('"\ufeff"'))).toBe("\ufeff");
  });

  test.each([
    ['{"a":1,"a":1}', "/a"],
    ['{"a":1,"\\u0061":2}', "/a"],
    ['[{"k":{"x/y":1,"b":2,"x\\/y":3}}]', "/0/k/x~1y"],
    ['{"":1,"":2}', "/"],
  ])("a member that comes twice is refused: %s (R90)", (text, pointer) => {
    expect(refusalOf(() => parseJson(text))).toMatchObject({ code: "duplicate-member", pointer });
  });

  test("one name in two objects is no duplicate", () => {
    expect(parseJson('[{"a":1},{"a":{"a":2}}]')).toEqual([{ a: 1 }, { a: { a: 2 } }]);
  });

  test.each(['{"__proto__":{}}', '{"\\u005f_proto__":1}', '[{"a":{"__proto__":null}}]'])(
    "__proto__ is refused: %s (S2)",
    (text) => {
      expect(refusalOf(() => parseJson(text)).code).toBe("invalid-json");
    },
  );

  test("an object holds what was sent and inherits nothing", () => {
    const object = parseJson("{}") as Record<string, unknown>;
    expect(object.toString).toBeUndefined();
    expect("constructor" in object).toBe(false);
  });

  test.each(['"\\ud800"', '"\\udc00\\ud800"', '{"\\udead":1}', '"\ud800"'])(
    "an unpaired surrogate is refused: no UTF-8 could carry it further: %j",
    (text) => {
      expect(refusalOf(() => parseJson(text)).code).toBe("invalid-json");
    },
  );

  test.each(["1e400", "-1e400", `1${"0".repeat(400)}`])("a number beyond every double is refused: %#", (text) => {
    expect(refusalOf(() => parseJson(`{"a":${text}}`))).toMatchObject({ code: "invalid-json", pointer: "/a" });
  });

  test("an integer that a double would alter is kept exactly (S3)", () => {
    expect(parseJson("[9007199254740993,-9007199254740993,9223372036854775807]")).toEqual([
      9007199254740993n,
      -9007199254740993n,
      9223372036854775807n,
    ]);
  });
});

describe("limits (S2)", () => {
  test("arrays and objects lie 16 deep, and not 17", () => {
    expect(parseJson(nested(16))).toEqual(JSON.parse(nested(16)));
    expect(refusalOf(() => parseJson(nested(17))).code).toBe("too-complex");
    const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
    expect(parseJson(objects(16))).toEqual(JSON.parse(objects(16)));
    expect(refusalOf(() => parseJson(objects(17)))).toMatchObject({ code: "too-complex", pointer: "/a".repeat(16) });
  });

  test("siblings do not add to the depth", () => {
    expect(parseJson(`[${Array(40).fill(nested(15)).join()}]`)).toHaveLength(40);
  });

  test("a million open brackets are refused without overflowing the stack", () => {
    expect(refusalOf(() => parseJson("[".repeat(1_000_000))).code).toBe("too-complex");
  });

  test("there are 20,000 values, the array that holds them too, and not one more", () => {
    const ofValues = (count: number) =>
      `[${Array(count - 1)
        .fill("0")
        .join()}]`;
    expect(parseJson(ofValues(20_000))).toHaveLength(19_999);
    expect(refusalOf(() => parseJson(ofValues(20_001)))).toMatchObject({ code: "too-complex" });
  });

  test("a caller's own limits take their place", () => {
    expect(refusalOf(() => parseJson("[[]]", { depth: 1, values: 9 })).code).toBe("too-complex");
    expect(refusalOf(() => parseJson("[1,2]", { depth: 9, values: 2 })).code).toBe("too-complex");
  });

  test("the pointer of a refusal stays short however long the names are", () => {
    const text = `{"a":{"${"n".repeat(100_000)}":oops}}`;
    expect(refusalOf(() => parseJson(text)).pointer).toBe("/a");
  });
});
