import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { refusalOf } from "../support/refusal-of.ts";

const refused = (text: string) => refusalOf(() => parseTrustDomain(text)).code;
const allowed = /^[a-z0-9._-]$/;

describe("A trust domain name", () => {
  test.each(["shop.example", "a", "1", "127.0.0.1", "_a-b.c_", ".", "-"])("may be %j (R4, R5)", (name) => {
    expect(parseTrustDomain(name)).toBe(name);
  });

  test("of any of the first 256 characters holds lower-case letters, digits, dot, dash and underscore alone (R3, R4)", () => {
    for (let code = 0; code < 256; code++) {
      const character = String.fromCharCode(code);
      for (const name of [character, `a${character}`, `${character}a`, `a${character}a`]) {
        if (allowed.test(character)) expect(parseTrustDomain(name)).toBe(name);
        else expect(refused(name)).toBe("invalid-trust-domain");
      }
    }
  });

  test.each([
    ["with a scheme", "spiffe://shop.example"],
    ["with a port (R2)", "shop.example:8443"],
    ["with a user (R2)", "root@shop.example"],
    ["in upper case, which is not folded (R3)", "Shop.example"],
    ["percent-encoded (R4)", "shop%2eexample"],
    ["that is an IPv6 address (R5)", "[::1]"],
    ["in another script", "shöp.example"],
    ["with a line break after it", "shop.example\n"],
  ])("is refused %s", (_, name) => {
    expect(refused(name)).toBe("invalid-trust-domain");
  });

  test("has 1 to 255 bytes (R2, R10)", () => {
    expect(refused("")).toBe("invalid-trust-domain");
    expect(parseTrustDomain("a".repeat(255))).toHaveLength(255);
    expect(refused("a".repeat(256))).toBe("invalid-trust-domain");
  });

  test("is itself or refused, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        if (/^[a-z0-9._-]{1,255}$/.test(text)) expect(parseTrustDomain(text)).toBe(text);
        else expect(refused(text)).toBe("invalid-trust-domain");
      }),
    );
  });
});
