import { afterEach, describe, expect, it } from "vitest";
import { readArguments } from "../demo/arguments.ts";
import { curlLine, pollLine } from "../demo/curl.ts";
import { type MeshAuthority, mintAuthority } from "../demo/mesh/authority.ts";
import { startCalls } from "../demo/mesh/steady-calls.ts";
import { startWorkloads, type Workloads } from "../demo/mesh/workloads.ts";
import { newSecrets } from "../demo/secrets.ts";
import { sentenceOf } from "../demo/sentence.ts";
import { openStage } from "../demo/stage.ts";

describe("the demo's command line", () => {
  it("plays, plays and stays up, helps, or says which option it does not know", () => {
    expect(readArguments([])).toEqual({ kind: "play", keep: false });
    expect(readArguments(["--keep"])).toEqual({ kind: "play", keep: true });
    expect(readArguments(["--keep", "--help"])).toEqual({ kind: "help" });
    expect(readArguments(["--kep"])).toEqual({ kind: "wrong", problem: '"--kep" is not an option' });
  });
});

describe("the line under a step does the same as the step", () => {
  it("names the token instead of holding it, and no method that curl takes anyway", () => {
    expect(curlLine({ http: { method: "GET", path: "/v1/meshes", headers: {} }, as: "SHOP_TOKEN" })).toBe(
      'curl --cacert "$CA" -H "Authorization: Bearer $SHOP_TOKEN" "$ADMIN/v1/meshes"',
    );
    const http = { method: "PATCH", path: "/v1/x", headers: { "if-match": "*" }, body: '{"name":"the bank\'s"}' };
    expect(curlLine({ http })).toBe(
      `curl --cacert "$CA" -X PATCH -H 'If-Match: *' --json '{"name":"the bank'\\''s"}' "$ADMIN/v1/x"`,
    );
  });

  it("takes a long body from its file, and a poller's token from its name", () => {
    const http = { method: "POST", path: "/v1/x", headers: {}, body: '{"pem":"long"}' };
    const asked = { http, bodyFile: "shop-root.json" } as const;
    expect(curlLine(asked)).toBe('curl --cacert "$CA" --json @"$DEMO/shop-root.json" "$ADMIN/v1/x"');
    expect(pollLine("SPIFFE", "SHOP_POLLER", "bank.example")).toBe(
      'curl --cacert "$CA" "$SPIFFE/p/$SHOP_POLLER/bank.example"',
    );
  });
});

describe("the stage shows and records each step", () => {
  function told() {
    const secrets = newSecrets();
    secrets.put("SHOP_TOKEN", "s3cret");
    const lines: string[] = [];
    const stage = openStage({ write: (line) => lines.push(line), redact: secrets.redact, clock: () => 0 });
    stage.chapter("A chapter", "Why it matters.");
    return { stage, text: () => lines.join("\n") };
  }

  it("as done when it came out as expected, and gives its value on", async () => {
    const { stage, text } = told();
    const value = await stage.step({ title: "Ask", expected: "200", act: async () => ({ actual: "200", value: 7 }) });
    expect(value).toBe(7);
    expect(text()).toContain("✔ Ask");
    expect(stage.records).toEqual([
      { chapter: "A chapter", step: "Ask", expected: "200", actual: "200", ok: true, ms: 0 },
    ]);
  });

  it("as different when it did not, with both, and goes on", async () => {
    const { stage, text } = told();
    await stage.step({ title: "Ask", expected: "404", act: async () => ({ actual: "200", value: undefined }) });
    expect(text()).toMatch(/✘ Ask\n +expected: 404\n +actual: {3}200/);
    expect(stage.records).toMatchObject([{ ok: false, expected: "404", actual: "200" }]);
  });

  it("as failed when it threw, which ends the story", async () => {
    const { stage } = told();
    const act = () => Promise.reject(new Error("no connection"));
    await expect(stage.step({ title: "Ask", expected: "200", act })).rejects.toThrow("no connection");
    expect(stage.records).toMatchObject([{ ok: false, actual: "failed: no connection" }]);
  });

  it("without any secret, wherever it stands (S33)", async () => {
    const { stage, text } = told();
    stage.say("say s3cret");
    const act = async () => ({ actual: "s3cret", note: "note s3cret", value: undefined });
    await stage.step({ title: "title s3cret", command: "curl s3cret", expected: "200", act });
    expect(text() + JSON.stringify(stage.records)).not.toContain("s3cret");
    expect(text().match(/\$SHOP_TOKEN/g)?.length).toBe(5);
  });
});

describe("an event of the audit trail is a line for people", () => {
  const event = {
    position: 7,
    eventId: "evt_7",
    source: null,
    requestId: null,
    at: "2026-01-02T03:04:05.678Z",
    actor: { kind: "token", id: "tok_1" },
    outcome: "done",
  } as const;
  const nameOf = () => "operator";

  it("says when, who, what, about what, and what tells most", () => {
    const subjects = ["authority/aut_0123456789", "mesh/shop", "trust-domain/shop.example"];
    const detail = { from: "prepared", to: "active", salt: "not told" };
    const line = sentenceOf({ ...event, type: "authority.transitioned", meshId: "shop", subjects, detail }, nameOf);
    expect(line.replaceAll(/ +/g, " ").trim()).toBe(
      "7 03:04:05.678 shop authority transitioned shop.example aut_01234… (from prepared, to active)",
    );
  });

  it("names the actor where no mesh acted, and both sides of a federation", () => {
    const subjects = ["federation/fed_1", "mesh/bank", "mesh/shop", "trust-domain/bank.example"];
    const line = sentenceOf({ ...event, type: "federation.proposed", meshId: null, subjects, detail: null }, nameOf);
    expect(line.replaceAll(/ +/g, " ").trim()).toBe("7 03:04:05.678 operator federation proposed bank and shop");
  });
});

describe("the demo's workloads talk over real mutual TLS", () => {
  const trust = new Map<string, string[]>();
  const trusted = { of: (name: string) => trust.get(name) ?? [], all: () => [...trust.values()].flat() };
  afterEach(() => trust.clear());

  const workloads = (trustDomain: string, authority: MeshAuthority): Promise<Workloads> =>
    startWorkloads({
      profile: { trustDomain, server: "/server", client: "/client" },
      authority,
      // Both sides of a call hold the same roots here: whom a root vouches for is what is looked at.
      trust: trusted,
    });
  const shopCa = mintAuthority("shop.example", "p256-intermediate", "1");
  const depotCa = mintAuthority("depot.example", "ed25519", "1");

  it("only once the roots of both trust domains are held; with none at all it refuses (R81)", async () => {
    const shop = await workloads("shop.example", shopCa);
    const depot = await workloads("depot.example", depotCa);
    expect((await depot.call(shop.callee)).answered).toBe(false);
    trust.set("shop.example", [shopCa.rootPem]);
    shop.trustChanged();
    expect((await depot.call(shop.callee)).answered).toBe(false);
    trust.set("depot.example", [depotCa.rootPem]);
    shop.trustChanged();
    expect(await depot.call(shop.callee)).toEqual({ answered: true, reason: "" });
  });

  it("and not with an SVID that a trusted root of another trust domain issued (R81)", async () => {
    trust.set("shop.example", [shopCa.rootPem]);
    trust.set("depot.example", [depotCa.rootPem]);
    const shop = await workloads("shop.example", shopCa);
    const [own, claimed] = ["spiffe://depot.example/client", "spiffe://shop.example/client"];
    expect((await shop.call(shop.callee, depotCa.issue(own))).answered).toBe(true);
    expect((await shop.call(shop.callee, depotCa.issue(claimed))).answered).toBe(false);
  });

  it("and not with another workload than the one that is called", async () => {
    trust.set("shop.example", [shopCa.rootPem]);
    const shop = await workloads("shop.example", shopCa);
    const other = { ...shop.callee, spiffeId: "spiffe://shop.example/other" };
    expect(await shop.call(other)).toEqual({
      answered: false,
      reason: "the caller refuses: it is spiffe://shop.example/server",
    });
  });

  it("and a series of calls counts what failed and why", async () => {
    let calls = 0;
    const call = async () => {
      calls += 1;
      return { answered: calls !== 2, reason: "refused" };
    };
    const series = startCalls(call, { port: 0, trustDomain: "", spiffeId: "" }, 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const counted = await series.stop();
    expect(counted).toEqual({ calls, failures: 1, reasons: { refused: 1 } });
  });
});
