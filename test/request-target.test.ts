import { expect, it } from "vitest";
import { hostInTarget, pathAndQuery, pathOf } from "../src/request-target.ts";

it.each([
  ["/", undefined, "/", "/"],
  ["/a/b?c=/d?e", undefined, "/a/b?c=/d?e", "/a/b"],
  ["//a/b", undefined, "//a/b", "//a/b"],
  ["/https://host/a", undefined, "/https://host/a", "/https://host/a"],
  ["https://host:1/a?b", "host:1", "/a?b", "/a"],
  ["HTTP://Host/a", "Host", "/a", "/a"],
  ["https://host", "host", "/", "/"],
  ["https://host?a", "host", "/?a", "/"],
  ["https://host//a", "host", "//a", "//a"],
  ["https://other@host:99999/a", "other@host:99999", "/a", "/a"],
  ["https:///a", "", "/a", "/a"],
  ["*", undefined, "*", "*"],
  ["", undefined, "", ""],
])("RFC 9112, 3.2: %j asks %j for %j", (target, host, whole, path) => {
  expect([hostInTarget(target), pathAndQuery(target), pathOf(target)]).toEqual([host, whole, path]);
});
