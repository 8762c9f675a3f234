import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, registerMesh, runBroker } from "../support/running-broker.ts";
import { bareMesh, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const token = broker.operatorToken;
const shop = await registerMesh(broker, "shop");
for (const name of ["a", "b", "c", "d", "e"]) await bareMesh(broker, name);

const page = async (query: string, bearer = token) =>
  (await expectStatus(200, broker.api("GET", `/v1/meshes?${query}`, { token: bearer }))).body;

describe("S21: a cursor is good for the caller and the list that it was made for", () => {
  it("and leads through the whole list, stable while rows are added", async () => {
    const found: string[] = [];
    let cursor = "";
    for (let pages = 0; pages < 20; pages++) {
      const { meshes, next } = await page(`limit=2${cursor}`);
      found.push(...meshes.map(({ meshId }: { meshId: string }) => meshId));
      if (pages === 0) await bareMesh(broker, "aa");
      if (next === undefined) break;
      cursor = `&cursor=${next}`;
    }
    expect(found).toEqual(["a", "b", "c", "d", "e", "shop"].toSpliced(1, 0, ...(found.includes("aa") ? ["aa"] : [])));
    expect(new Set(found).size).toBe(found.length);
  });

  it("the Link header leads to the next page, and is absent on the last", async () => {
    const first = await broker.api("GET", "/v1/meshes?limit=2", { token });
    const [, link = ""] = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link)) ?? [];
    expect((await broker.api("GET", link, { token })).body).toEqual(await page(`limit=2&cursor=${first.body.next}`));
    expect((await broker.api("GET", "/v1/meshes", { token })).headers.link).toBeUndefined();
  });

  it("nobody else's, no other list's, no other query's, and none that was changed", async () => {
    const { next } = await page("limit=1");
    await refused("invalid-cursor", broker.api("GET", `/v1/meshes?cursor=${next}`, { token: shop.token }));
    await refused("invalid-cursor", broker.api("GET", `/v1/tokens?cursor=${next}`, { token }));
    await refused("invalid-cursor", broker.api("GET", `/v1/directory?cursor=${next}`, { token }));
    const flipped = `${next[0] === "I" ? "J" : "I"}${next.slice(1)}`;
    for (const cursor of [flipped, `${next}x`, next.slice(0, -1), next.split(".")[0], "x"])
      await refused("invalid-cursor", broker.api("GET", `/v1/meshes?cursor=${cursor}`, { token }));
    const events = await expectStatus(200, broker.api("GET", "/v1/audit-events?limit=1", { token }));
    const other = `/v1/audit-events?type=mesh.registered&cursor=${events.body.next}`;
    await refused("invalid-cursor", broker.api("GET", other, { token }));
  });

  it("outlives a restart of the broker, and a rotated token of the same reach", async () => {
    const { next } = await page("limit=1");
    const other = await expectStatus(
      201,
      broker.api("POST", "/v1/tokens", { token, body: { name: "second", role: "operator" } }),
    );
    expect((await page(`cursor=${next}`, other.body.token)).meshes.length).toBeGreaterThan(0);
  });
});
