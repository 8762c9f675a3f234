import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashOf, matchesHash, newSecret, readSecret } from "../../../src/features/access/secret.ts";
import { systemRandomness } from "../../../src/randomness.ts";

const kind = fc.constantFrom("tok", "inv", "fdc");
const made = kind.map((of) => ({ of, ...newSecret(systemRandomness, of) }));

describe("a bearer secret (S24)", () => {
  test("is ent_<kind>_<id>_<43 base62>_<crc32>, and read again it is the same parts", () => {
    fc.assert(
      fc.property(made, ({ of, id, text, hash }) => {
        expect(text).toMatch(/^ent_(tok|inv|fdc)_[0-9A-Za-z]{22}_[0-9A-Za-z]{43}_[0-9a-f]{8}$/);
        const read = readSecret(text);
        expect(read).toMatchObject({ kind: of, id });
        expect(text.startsWith(`ent_${id}_`)).toBe(true);
        expect(hash).toBe(
          createHash("sha256")
            .update(read?.secret ?? "")
            .digest("hex"),
        );
        expect(matchesHash(read?.secret ?? "", hash)).toBe(true);
      }),
    );
  });

  test("has a checksum that costs a wrong one no query: any changed character is seen", () => {
    const { text } = newSecret(systemRandomness, "tok");
    const character = fc.constantFrom(..."0123456789ABCXYZabcxyz_-. ");
    fc.assert(
      fc.property(fc.nat(text.length - 1), character, (at, replacement) => {
        fc.pre(text[at] !== replacement);
        expect(readSecret(text.slice(0, at) + replacement + text.slice(at + 1))).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test("is nothing with something before, behind or missing", () => {
    const { text } = newSecret(systemRandomness, "inv");
    for (const wrong of ["", ` ${text}`, `${text}\n`, text.slice(0, -1), `${text}0`, text.toUpperCase()])
      expect(readSecret(wrong)).toBeUndefined();
  });

  test("is nothing for any other text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readSecret(text)).toBeUndefined();
      }),
    );
  });

  test("holds 256 random bits: 43 base62 characters of the randomness that was passed in", () => {
    const repeated = () => newSecret((bytes) => new Uint8Array(bytes).fill(61), "tok").text;
    expect(repeated()).toBe(repeated());
    expect(repeated()).toContain(`_${"z".repeat(43)}_`);
    expect(Math.log2(62 ** 43)).toBeGreaterThan(256);
  });
});

describe("the stored hash (S24, S25)", () => {
  test("matches its own secret alone", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (secret, other) => {
        expect(matchesHash(secret, hashOf(other))).toBe(secret === other);
        expect(matchesHash(secret, hashOf(secret))).toBe(true);
      }),
    );
  });

  test("that is not there is compared all the same and matches nothing", () => {
    fc.assert(
      fc.property(fc.string(), (secret) => {
        expect(matchesHash(secret, undefined)).toBe(false);
      }),
    );
  });
});
