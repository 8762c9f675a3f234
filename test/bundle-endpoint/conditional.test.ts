import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluate } from "../../src/bundle-endpoint/conditional.ts";
import { parseHttpDate } from "../../src/bundle-endpoint/http-date.ts";

const ETAG = '"abc"';
const AT = Date.UTC(1994, 10, 6, 8, 49, 37) / 1000;
const none = (field: string | undefined, since?: string) => evaluate(field, since, ETAG, AT);

describe("If-None-Match (RFC 9110, 13.1.2)", () => {
  it.each(['"abc"', 'W/"abc"', '"x", "abc"', '"x","abc","y"', ' , "x" ,\tW/"abc" ', '"a,b", "abc"', '"", "abc"'])(
    "finds the current tag in %s by weak comparison",
    (field) => expect(none(field)).toBe("same-etag"),
  );
  it.each(['"x"', "abc", '"ab', 'w/"abc"', '"x" "abc"', '"a"bc"', "", ",", '"xabc"', '"abc', '*, "x"'])(
    "does not find it in %j",
    (field) => expect(none(field)).toBe("send"),
  );
  it("takes `*` for any bytes at all", () => expect(none(" * ")).toBe("any-etag"));
  it("goes before If-Modified-Since, which is then ignored", () => {
    expect(none('"x"', "Sun, 06 Nov 1994 08:49:37 GMT")).toBe("send");
  });
  it("reads 8 KiB of anything in no time (S7)", () => {
    for (const part of ['"', ",", 'W/"', '"a",', " ", 'W/"a" ']) {
      const start = performance.now();
      none(part.repeat(8192 / part.length));
      expect(performance.now() - start).toBeLessThan(2_000);
    }
  });
  it("finds a tag in every list that holds it, and in no other", () => {
    const tag = fc.stringMatching(/^(W\/)?"[!#-~]{0,5}"$/);
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1 }), tag, (tags, current) => {
        const opaque = current.replace("W/", "");
        const held = tags.some((listed) => listed.replace("W/", "") === opaque);
        expect(evaluate(tags.join(", "), undefined, opaque, AT)).toBe(held ? "same-etag" : "send");
      }),
    );
  });
});

describe("If-Modified-Since (RFC 9110, 13.1.3)", () => {
  it.each(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])(
    "reads the date form %s",
    (date) => {
      expect(parseHttpDate(date)).toBe(AT);
      expect(none(undefined, date)).toBe("not-since");
    },
  );
  it("sends what is newer by a second", () => {
    expect(none(undefined, "Sun, 06 Nov 1994 08:49:36 GMT")).toBe("send");
    expect(none(undefined, "Sun, 06 Nov 1994 08:49:38 GMT")).toBe("not-since");
  });
  it.each([
    "",
    "yesterday",
    "1994-11-06",
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 25:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 CET",
  ])("ignores %j, which is no HTTP-date", (date) => expect(none(undefined, date)).toBe("send"));
  it("reads back every date that it may have sent", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        expect(parseHttpDate(new Date(seconds * 1000).toUTCString())).toBe(seconds);
      }),
    );
  });
});
