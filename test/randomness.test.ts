import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Randomness, randomBase62, randomId, systemRandomness } from "../src/randomness.ts";

/** The bytes given, in order and over again. */
function repeating(bytes: readonly number[]): Randomness {
  let next = 0;
  return (count) => Uint8Array.from({ length: count }, () => bytes[next++ % bytes.length] ?? 0);
}

describe("base62 from random bytes", () => {
  test("has the length asked for and no other character", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (length) => {
        expect(randomBase62(systemRandomness, length)).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`));
      }),
    );
  });

  test("is without bias: of all 256 bytes each character comes from exactly four, the last eight are drawn again", () => {
    const drawn = randomBase62(repeating([...Array(256).keys()]), 248);
    const counts = Map.groupBy(drawn, (character) => character);
    expect(counts.size).toBe(62);
    expect(new Set([...counts.values()].map((all) => all.length))).toEqual(new Set([4]));
    expect(randomBase62(repeating([248, 255, 0, 250, 61]), 4)).toBe("0z0z");
  });

  test("depends on nothing but the bytes", () => {
    const bytes = fc.array(fc.integer({ min: 0, max: 247 }), { minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(bytes, (list) => {
        expect(randomBase62(repeating(list), 30)).toBe(randomBase62(repeating(list), 30));
      }),
    );
  });
});

test("an ID is its kind and 22 characters: at least 128 random bits, never the same twice", () => {
  const ids = Array.from({ length: 1_000 }, () => randomId(systemRandomness, "fed"));
  for (const id of ids) expect(id).toMatch(/^fed_[0-9A-Za-z]{22}$/);
  expect(new Set(ids).size).toBe(ids.length);
  expect(Math.log2(62 ** 22)).toBeGreaterThan(128);
});

test("bytes are drawn once, whatever lengths are asked for, and changing them changes nobody else's", () => {
  const drawn = Array.from({ length: 2_000 }, (_, index) => systemRandomness(16 + (index % 300)));
  const before = drawn.map((bytes) => Buffer.from(bytes).toString("hex"));
  expect(new Set(before.map((hex) => hex.slice(0, 32))).size).toBe(drawn.length);
  for (const bytes of drawn.slice(1)) bytes.fill(0);
  expect(Buffer.from(drawn[0] ?? []).toString("hex")).toBe(before[0]);
  expect(systemRandomness(10_000)).toHaveLength(10_000);
});
