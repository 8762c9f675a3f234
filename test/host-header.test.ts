import { describe, expect, it } from "vitest";
import { hostOf } from "../src/host-header.ts";

describe("the host of a Host header", () => {
  it.each([
    ["broker.example", "broker.example"],
    ["Broker.Example:8440", "broker.example"],
    ["127.0.0.1:8440", "127.0.0.1"],
    ["[::1]:8440", "::1"],
    ["[2001:DB8::1]", "2001:db8::1"],
  ])("%s is %s", (header, host) => expect(hostOf(header)).toBe(host));

  it.each([
    "",
    ":8440",
    "a:b",
    "a:123456",
    "::1",
    "[::1",
    "[localhost]",
    "a b",
    "user@broker.example",
    "https://broker.example",
    "a,b/c",
  ])("%j is none, or none that anybody has", (header) => expect([null, "a,b"]).toContain(hostOf(header)));
});
