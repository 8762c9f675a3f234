import { describe, expect, it } from "vitest";
import { preferredType } from "../../src/http/media-type.ts";
import { refusalOf } from "../support/refusal-of.ts";

const OFFERED = ["application/json", "application/x-ndjson", "text/csv"] as const;
const preferred = (accept: string | undefined) => preferredType(accept, [...OFFERED]);

describe("the media type that Accept prefers (RFC 9110)", () => {
  it.each([
    [undefined, "application/json"],
    ["", "application/json"],
    ["*/*", "application/json"],
    ["text/*", "text/csv"],
    ["text/csv", "text/csv"],
    ["TEXT/CSV ; charset=utf-8", "text/csv"],
    ["application/x-ndjson, application/json;q=0.9", "application/x-ndjson"],
    ["application/json;q=0.1, text/csv;q=0.2", "text/csv"],
    ["*/*, application/json;q=0", "application/x-ndjson"],
    ["application/*;q=0.5, text/csv;q=0.4", "application/json"],
    ["text/html, */*;q=0.1", "application/json"],
    ["text/csv;q=nonsense, application/json;q=0.1", "application/json"],
  ])("%j is %s", (accept, type) => {
    expect(preferred(accept)).toBe(type);
  });

  it.each(["text/html", "application/json;q=0", "json", ";", "*/json", "text/csv;q=0.0"])("none of %j", (accept) => {
    expect(refusalOf(() => preferred(accept))).toMatchObject({ code: "not-acceptable", extra: { offered: OFFERED } });
  });
});
