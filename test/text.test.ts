import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseName, parseOptionalText, parseText } from "../src/text.ts";
import { refusalOf } from "./support/refusal-of.ts";

const refused = (text: string) => {
  const { code, pointer } = refusalOf(() => parseText(text, "/displayName"));
  return `${code} ${pointer}`;
};

describe("free text (S6)", () => {
  test.each(["", "Shop", "Zürich 東京 🛒", "a b", "👩‍👩‍👧", "שלום", "naïve — “quoted”"])(
    "%j is kept as it is",
    (text) => {
      expect(parseText(text, "")).toBe(text);
    },
  );

  test("is brought into NFC, so that equal texts are equal bytes", () => {
    expect(parseText("Zu\u0308rich", "")).toBe("Z\u00fcrich");
  });

  const codePoints = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index);
  test.each([
    ["C0 controls and DEL", [...codePoints(0, 0x1f), 0x7f]],
    ["C1 controls", codePoints(0x80, 0x9f)],
    ["line and paragraph separators", [0x2028, 0x2029]],
    ["bidirectional controls", [0x061c, 0x200e, 0x200f, ...codePoints(0x202a, 0x202e), ...codePoints(0x2066, 0x2069)]],
    ["zero-width spaces and what else is not seen", [0x00ad, 0x034f, 0x115f, 0x200b, 0x2060, 0x3164, 0xfeff, 0xffa0]],
    ["lone surrogates", [0xd800, 0xdbff, 0xdc00, 0xdfff]],
  ])("with %s is refused, wherever they stand", (_, points) => {
    for (const point of points) {
      const character = String.fromCharCode(point);
      for (const text of [character, `a${character}b`, `${character}a`])
        expect(refused(text), point.toString(16)).toBe("invalid-text /displayName");
    }
  });

  test("has at most 1,024 bytes, counted in UTF-8 as it is kept", () => {
    expect(parseText("é".repeat(512), "")).toHaveLength(512);
    expect(refused(`${"é".repeat(512)}a`)).toBe("invalid-text /displayName");
    expect(parseText("e\u0301".repeat(512), "")).toBe("é".repeat(512));
  });

  test("read once, it is read again unchanged", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        let first: string;
        try {
          first = parseText(text, "");
        } catch {
          return;
        }
        expect(parseText(first, "")).toBe(first);
        expect(first).toBe(text.normalize("NFC"));
      }),
      { numRuns: 500 },
    );
  });

  test.each(["", " ", "\u00a0", "\u3000", "\u200d", "\ufe0f", "p1 ", " p1", "p1\u2003"])(
    "as a name must be seen and told apart: %j is refused",
    (name) => {
      expect(refusalOf(() => parseName(name, "/name"))).toMatchObject({ code: "invalid-text", pointer: "/name" });
    },
  );

  test("as a name may hold spaces, and what scripts and emoji are spelled with", () => {
    for (const name of ["New York 1", "👩‍👩‍👧", "می‌خواهم", "❤️"]) expect(parseName(name, "")).toBe(name);
  });

  test("that is absent is null, and an empty one is not absent", () => {
    expect([parseOptionalText(undefined, ""), parseOptionalText("", "")]).toEqual([null, ""]);
    expect(refusalOf(() => parseOptionalText("\n", "/reason"))).toMatchObject({ pointer: "/reason" });
  });
});
