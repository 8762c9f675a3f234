import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSpiffeId, pathOf, spiffeIdOf, trustDomainOf } from "../../src/spiffe/spiffe-id.ts";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { refusalOf } from "../support/refusal-of.ts";

const refused = (text: string) => refusalOf(() => parseSpiffeId(text)).code;
const characters = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

const letters = (allowed: string) => fc.constantFrom(...allowed);
const lower = "abcdefghijklmnopqrstuvwxyz0123456789._-";
const trustDomains = fc.string({ unit: letters(lower), minLength: 1, maxLength: 255 });
const segments = fc
  .string({ unit: letters(`${lower}ABCXYZ`), minLength: 1, maxLength: 12 })
  .filter((segment) => segment !== "." && segment !== "..");
const paths = fc.array(segments, { maxLength: 8 }).map((list) => list.map((segment) => `/${segment}`).join(""));

describe("A SPIFFE ID", () => {
  test("is made of a trust domain and a path and comes apart into them again (R1, R11)", () => {
    fc.assert(
      fc.property(trustDomains, paths, (trustDomain, path) => {
        const id = spiffeIdOf(parseTrustDomain(trustDomain), path);
        expect(id).toBe(`spiffe://${trustDomain}${path}`);
        expect(parseSpiffeId(id)).toBe(id);
        expect(trustDomainOf(id)).toBe(trustDomain);
        expect(pathOf(id)).toBe(path);
      }),
    );
  });

  test("has in its trust domain lower-case letters, digits, dot, dash and underscore alone (R3, R4)", () => {
    for (const character of characters.filter((character) => character !== "/")) {
      const id = `spiffe://a${character}b/path`;
      if (/[a-z0-9._-]/.test(character)) expect(trustDomainOf(parseSpiffeId(id))).toBe(`a${character}b`);
      else expect(refused(id)).toBe("invalid-spiffe-id");
    }
  });

  test("has in its path letters, digits, dot, dash and underscore alone (R6, R9)", () => {
    for (const character of characters.filter((character) => character !== "/")) {
      const id = `spiffe://td/a${character}b`;
      if (/[a-zA-Z0-9._-]/.test(character)) expect(pathOf(parseSpiffeId(id))).toBe(`/a${character}b`);
      else expect(refused(id)).toBe("invalid-spiffe-id");
    }
  });

  test.each(["/.path", "/..path", "/...", "/path.", "/path..", "/a/.../b", "/.-", "/a.b/c"])(
    "may have dots in a segment such as %s (R7)",
    (path) => {
      expect(pathOf(parseSpiffeId(`spiffe://td${path}`))).toBe(path);
    },
  );

  test.each(["/.", "/..", "/./a", "/../a", "/a/.", "/a/..", "/a/./b", "/a/../b"])(
    "has no segment of one or two dots, as in %s (R7)",
    (path) => {
      expect(refused(`spiffe://td${path}`)).toBe("invalid-spiffe-id");
    },
  );

  test.each(["/", "//", "/a/", "/a//b", "//a", "/a//"])(
    "has neither empty segment nor trailing slash, as in %s (R7, R8)",
    (path) => {
      expect(refused(`spiffe://td${path}`)).toBe("invalid-spiffe-id");
    },
  );

  test.each([
    ["nothing", ""],
    ["another scheme (R1)", "https://td/path"],
    ["a scheme in upper case (R3)", "Spiffe://td/path"],
    ["a piece of the scheme", "s"],
    ["one slash after the scheme", "spiffe:/td"],
    ["no trust domain (R1)", "spiffe://"],
    ["no trust domain before the path (R1)", "spiffe:///path"],
    ["a user (R2)", "spiffe://root@td/path"],
    ["a port (R2)", "spiffe://td:80/path"],
    ["a query (R1)", "spiffe://td/path?a=b"],
    ["a fragment (R1)", "spiffe://td/path#a"],
    ["percent-encoding in the path (R6)", "spiffe://td/%61"],
    ["percent-encoding in the trust domain (R4)", "spiffe://%74d/path"],
    ["another script", "spiffe://td/pfad-für-alle"],
    ["white space around it", " spiffe://td/path"],
    ["a line break after it", "spiffe://td/path\n"],
  ])("is refused with %s", (_, text) => {
    expect(refused(text)).toBe("invalid-spiffe-id");
  });

  test("has at most 2048 bytes, its trust domain at most 255 (R10)", () => {
    const start = "spiffe://td/";
    expect(parseSpiffeId(start.padEnd(2048, "a"))).toHaveLength(2048);
    expect(refused(start.padEnd(2049, "a"))).toBe("invalid-spiffe-id");
    expect(trustDomainOf(parseSpiffeId(`spiffe://${"a".repeat(255)}/a`))).toHaveLength(255);
    expect(refused(`spiffe://${"a".repeat(256)}/a`)).toBe("invalid-spiffe-id");
  });

  test("is not built from a path that would reach into the trust domain", () => {
    expect(refusalOf(() => spiffeIdOf(parseTrustDomain("shop.example"), ".evil/x")).code).toBe("invalid-spiffe-id");
  });

  test("is itself or refused, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.string().map((text) => `spiffe://td/${text}`),
        ),
        (text) => {
          try {
            expect(parseSpiffeId(text)).toBe(text);
          } catch {
            expect(refused(text)).toBe("invalid-spiffe-id");
          }
        },
      ),
    );
  });

  test("of hostile length is refused in a moment (S7)", () => {
    const started = performance.now();
    expect(refused(`spiffe://td${"/a".repeat(500_000)}`)).toBe("invalid-spiffe-id");
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
