import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, runBroker } from "../support/running-broker.ts";
import { bareMesh, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const token = broker.operatorToken;
const mine = await bareMesh(broker, "a", undefined, { labels: { env: "prod" } });
for (const name of ["b", "c"]) await bareMesh(broker, name, undefined, { labels: { env: "prod", tier: "db" } });
await bareMesh(broker, "d", undefined, { labels: { env: "test" } });

const list = (selector: string, more = "", bearer = token) =>
  broker.api("GET", `/v1/meshes?labelSelector=${encodeURIComponent(selector)}${more}`, { token: bearer });
const found = async (answer: ReturnType<typeof list>) =>
  (await expectStatus(200, answer)).body.meshes.map(({ meshId }: { meshId: string }) => meshId);

const SELECTOR = { in: "query", name: "labelSelector" };

describe("GET /v1/meshes?labelSelector=", () => {
  it("lists the meshes that it selects, of those that the credential reaches", async () => {
    expect(await found(list("env=prod"))).toEqual(["a", "b", "c"]);
    expect(await found(list("env=prod,tier!=db"))).toEqual(["a"]);
    expect(await found(list("env in (prod, test),!tier"))).toEqual(["a", "d"]);
    expect(await found(list("env=prod", "", mine.token))).toEqual(["a"]);
  });

  it("pages through them exactly, and S21: its cursor is no other selector's", async () => {
    const first = await expectStatus(200, list("env=prod", "&limit=2"));
    expect(await found(Promise.resolve(first))).toEqual(["a", "b"]);
    const cursor = `&limit=2&cursor=${first.body.next}`;
    expect(await found(list("env=prod", cursor))).toEqual(["c"]);
    await refused("invalid-cursor", list("env=test", cursor));
  });

  it("refuses what is no selector, and names the parameter", async () => {
    for (const text of ["=", "env in (", "env==a==b", Array(17).fill("a").join(",")])
      expect((await refused("invalid-label-selector", list(text))).body.parameter).toEqual(SELECTOR);
    expect((await refused("invalid-text", list("env=\u202e"))).body.parameter).toEqual(SELECTOR);
    expect((await refused("invalid-request", list("a".repeat(1_025)))).body.parameter).toEqual(SELECTOR);
  });

  it("the directory shows no labels and takes no selector", async () => {
    const shown = await expectStatus(200, broker.api("GET", "/v1/directory", { token }));
    expect(shown.text).not.toContain("labels");
    await refused("invalid-request", broker.api("GET", "/v1/directory?labelSelector=env", { token }));
  });
});
