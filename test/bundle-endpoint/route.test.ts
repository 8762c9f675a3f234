import fc from "fast-check";
import { expect, it } from "vitest";
import { parseRoute } from "../../src/bundle-endpoint/route.ts";

it.each([
  ["/bundle", { kind: "own", projection: "spiffe" }],
  ["/bundle/istio", { kind: "own", projection: "istio" }],
  ["/bundle/pem?x=/p/a/b", { kind: "own", projection: "pem" }],
  ["/p/tok/td.example", { kind: "poller", token: "tok", trustDomain: "td.example", projection: "spiffe" }],
  ["/p/tok/td.example/pem", { kind: "poller", token: "tok", trustDomain: "td.example", projection: "pem" }],
  ["/p/tok/istio/istio", { kind: "poller", token: "tok", trustDomain: "istio", projection: "istio" }],
  ["/p/tok/pem", { kind: "poller", token: "tok", trustDomain: "pem", projection: "spiffe" }],
  ["https://host:1/p/tok/td?q", { kind: "poller", token: "tok", trustDomain: "td", projection: "spiffe" }],
  ["/bundles/td.example/istio", { kind: "public", trustDomain: "td.example", projection: "istio" }],
  ["/livez", { kind: "livez" }],
  ["/readyz?verbose", { kind: "readyz" }],
])("reads %s", (target, route) => expect(parseRoute(target)).toEqual(route));

it.each([
  "",
  "/",
  "*",
  "bundle",
  "/bundle/",
  "/bundle/spiffe",
  "/Bundle",
  "/p",
  "/p/",
  "/p//td",
  "/p/tok",
  "/p/tok/",
  "/p/tok//pem",
  "/p/tok/td/",
  "/p/tok/td/xpem",
  "/p/tok/td/pem/",
  "/p/tok/td/other/pem",
  "/bundles/",
  "/bundles//pem",
  "/constructor",
  "__proto__",
  "ftp://host/bundle",
])("knows nothing under %j", (target) => expect(parseRoute(target)).toBeNull());

it("finds the token and the trust domain of every capability URL, whatever the query", () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9._-]{1,20}$/);
  const suffix = fc.constantFrom("", "/istio", "/pem");
  fc.assert(
    fc.property(name, name, suffix, fc.webQueryParameters(), (token, trustDomain, end, query) => {
      const route = parseRoute(`/p/${token}/${trustDomain}${end}?${query}`);
      expect(route).toEqual({ kind: "poller", token, trustDomain, projection: end.slice(1) || "spiffe" });
    }),
  );
});
