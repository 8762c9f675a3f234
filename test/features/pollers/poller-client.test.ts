import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprintOf, productsOf } from "../../../src/features/pollers/poller-client.ts";

describe("what a User-Agent says of its client (S35)", () => {
  it.each([
    [undefined, ""],
    ["", ""],
    ["Go-http-client/1.1", "Go-http-client"],
    ["curl/8.7.1", "curl"],
    ["python-requests/2.32.3", "python-requests"],
    ["Mozilla/5.0 (X11; Linux (x86_64)) Gecko/20100101 Firefox/131.0", "Mozilla Gecko Firefox"],
    ["spire-server/1.13.0(linux)Go-http-client/1.1", "spire-server Go-http-client"],
    ["kuma-cp\t2.9.0 v2.9 a a/2", "kuma-cp a"],
    ["one two three four five", "one two three four"],
    ["a (never ends curl/8", "a"],
    ["a (a \\) in it) b", "a b"],
    ["=1+1 @x 7.0 <b> été", ""],
    ["x".repeat(40), "x".repeat(32)],
    [`a/${"1".repeat(1_021)} b`, "a"],
  ])("of %j is %j", (userAgent, products) => {
    expect(productsOf(userAgent)).toBe(products);
  });

  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9._-]{0,20}$/).filter((text) => !/^v\d/i.test(text));
  const version = fc.stringMatching(/^[0-9A-Za-z.+~-]{0,12}$/);
  const comment = fc.option(fc.stringMatching(/^[^()\\]{0,12}$/));

  it("is the same whatever the versions and comments", () => {
    const products = fc.array(fc.tuple(name, version, version, comment), { maxLength: 6 });
    fc.assert(
      fc.property(products, (all) => {
        const older = all.map(([product, old]) => `${product}/${old}`).join(" ");
        const newer = all
          .map(([product, , next, aside]) => `${product}/${next}${aside === null ? "" : ` (${aside})`}`)
          .join(" ");
        expect(productsOf(newer)).toBe(productsOf(older));
        expect(productsOf(all.map(([product]) => product).join(" "))).toBe(productsOf(older));
      }),
    );
  });

  it("is a few plain names, and never an error, of any text whatever", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("(", ")", "\\", "/", " ", "\t", "v1", "=", "a"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        expect(productsOf(pieces.join(""))).toMatch(/^(?:[A-Za-z][\w.-]{0,31}(?: (?=[A-Za-z])|$)){0,4}$/);
      }),
      { numRuns: 1_000 },
    );
  });
});

it("S35: a fingerprint is of products and library, and of neither's text run into the other's", () => {
  const all = [
    fingerprintOf("curl", "Ed25519 Ed448"),
    fingerprintOf("curl", "Ed25519"),
    fingerprintOf("curl", ""),
    fingerprintOf("", "Ed25519"),
    fingerprintOf("curl Ed25519", ""),
  ];
  expect(new Set(all).size).toBe(all.length);
});
