import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runBroker } from "../support/running-broker.ts";
import { refused } from "./api-fixture.ts";

const broker = await runBroker();
afterAll(() => broker.remove());
const get = (path: string, headers: Record<string, string> = {}) => broker.api("GET", path, { headers });

/** What an HTML page has the browser load. */
const loadedBy = (html: string): string[] =>
  [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, reference = ""]) => reference);

describe("the contract is served by the broker that keeps it", () => {
  it("to anybody, as openapi.yaml has it, but of this broker's own address", async () => {
    const { status, body, headers } = await get("/v1/openapi.json");
    const checkedIn = parse(readFileSync(join(import.meta.dirname, "..", "..", "openapi.yaml"), "utf8"));
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(body).toEqual({ ...checkedIn, servers: [{ url: "/", description: "This broker." }] });
  });

  it("with an ETag: 304 to who has it already", async () => {
    const { headers } = await get("/v1/openapi.json");
    const etag = String(headers.etag);
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    const again = await get("/v1/openapi.json", { "if-none-match": etag });
    expect([again.status, again.text, again.headers.etag]).toEqual([304, "", etag]);
    expect((await get("/v1/openapi.json", { "if-none-match": '"other"' })).status).toBe(200);
  });
});

describe("a reference to browse is served under /docs/", () => {
  it("with everything that it loads, from this broker alone (S54)", async () => {
    const page = await get("/docs/");
    expect([page.status, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    const references = loadedBy(page.text);
    expect(references.length).toBeGreaterThan(5);
    for (const reference of references) {
      expect(reference).toMatch(/^\.\/static\/[\w-]+\.(?:css|js|png)$/);
      const asset = await get(`/docs/${reference.slice(2)}`);
      expect([reference, asset.status, asset.text.length > 100]).toEqual([reference, 200, true]);
      if (reference.endsWith(".css")) expect(asset.text).not.toMatch(/@import|url\(["']?(?:https?:)?\/\//);
    }
    const contract = (await get("/v1/openapi.json")).body;
    expect((await get("/docs/json")).body).toEqual(contract);
    const yaml = await get("/docs/yaml");
    expect(yaml.headers["content-type"]).toBe("application/x-yaml");
    expect(parse(yaml.text)).toEqual(contract);
  });

  it("to which the path without its last slash leads, since the page loads what is beside it", async () => {
    const { status, headers } = await get("/docs");
    expect([status, headers.location]).toEqual([308, "docs/"]);
    expect(new URL(String(headers.location), "https://broker.example/docs").pathname).toBe("/docs/");
  });

  it("under a policy that names no other host and allows no inline script (S54)", async () => {
    for (const path of ["/docs/", "/docs/static/swagger-ui-bundle.js", "/docs/static/swagger-initializer.js"]) {
      const { headers } = await get(path);
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).toContain("base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
      expect(policy.replaceAll(/'self'|'none'|data:|[\w-]+-(?:src|uri|action|ancestors)|[; ]/g, "")).toBe("");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["referrer-policy"]).toBe("no-referrer");
    }
    expect((await get("/docs/")).text).not.toMatch(/<script(?![^>]*src=)|<style| style=| on\w+=/);
  });

  it("whose own script asks no other host to check the contract", async () => {
    const { text } = await get("/docs/static/swagger-initializer.js");
    expect(text).toContain("validatorUrl: null");
    expect(text.replaceAll("https://stackoverflow.com/a/77855838/492336", "")).not.toMatch(/https?:\/\//);
  });

  it("and what is not there, or not allowed, is refused like anywhere else (S16, S61)", async () => {
    await refused("not-found", get("/docs/static/absent.js"));
    await refused("not-found", get("/docs/static/..%2f..%2fpackage.json"));
    for (const path of ["/docs", "/docs/", "/docs/json", "/docs/static/swagger-ui.css", "/v1/openapi.json"]) {
      const { headers } = await refused("method-not-allowed", broker.api("POST", path));
      expect(headers.allow).toBe("GET, HEAD");
    }
  });
});
