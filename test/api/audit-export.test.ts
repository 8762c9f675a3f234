import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { events, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const token = broker.operatorToken;
const shop = await registerMesh(broker, "shop");
const bank = await registerMesh(broker, "bank");
await federate(broker, shop, bank, { reason: '=1+1, "quoted"' });
const patch = (displayName: string) =>
  expectStatus(200, broker.api("PATCH", "/v1/meshes/shop", { token: shop.token, body: { displayName } }));
// More than are read at a time.
for (let index = 0; index < 520; index++) await patch(`shop ${index}`);

const NDJSON = "application/x-ndjson";
const as = (accept: string, query = "", bearer = token) =>
  broker.api("GET", `/v1/audit-events?${query}`, { token: bearer, headers: { accept } });
const lines = async (query = "", bearer = token) => {
  const { text } = await expectStatus(200, as(NDJSON, query, bearer));
  return text === ""
    ? []
    : text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
};

describe("GET /v1/audit-events as NDJSON", () => {
  it("is all that matches, a line an event as the list shows it, or as many as are asked for", async () => {
    const all = await lines();
    for (const limit of [1, 500, 501, 1000]) expect(await lines(`limit=${limit}`)).toEqual(all.slice(0, limit));
    expect(await lines("limit=2&order=asc")).toEqual(all.slice(-2).toReversed());
    expect(all.length).toBeGreaterThan(520);
    expect(all.slice(0, 100)).toEqual(await events(broker, "limit=100"));
    expect(all.map(({ position }) => position)).toEqual([...Array(all.length).keys()].map((i) => all.length - i));
    expect(await lines("order=asc")).toEqual(all.toReversed());
  });

  it("keeps to the filters, and S21 to what the caller may see", async () => {
    const updates = await lines("type=mesh.updated&meshId=shop");
    expect(updates).toHaveLength(520);
    const [first, , third] = await lines("order=asc");
    expect(await lines(`to=${encodeURIComponent(first.at)}`)).toEqual([]);
    expect((await lines(`from=${encodeURIComponent(third.at)}&order=asc`)).length).toBeGreaterThan(0);
    const seen = await lines("", bank.token);
    const listed = await broker.api("GET", "/v1/audit-events?limit=1000", { token: bank.token });
    expect(seen).toEqual(listed.body.events);
    expect(await lines("meshId=absent")).toEqual([]);
    const { body } = await refused("invalid-request", as(NDJSON, "type=mesh.upgraded"));
    expect(body).toMatchObject({ parameter: { in: "query", name: "type" } });
    expect(body.detail).toContain("mesh.updated, mesh.deleted");
  });

  it("goes on from a cursor of the same list", async () => {
    const { body } = await broker.api("GET", "/v1/audit-events?limit=3", { token });
    const rest = await lines(`cursor=${body.next}`);
    expect(rest[0].position).toBe(body.events[2].position - 1);
    await refused("invalid-cursor", as(NDJSON, "cursor=x"));
  });

  it("ends with what there was as it began", async () => {
    const before = (await events(broker, "limit=1"))[0].position;
    for (const order of ["asc", "desc"]) {
      // What comes while it is read neither cuts it short nor leaves a gap.
      const [all] = await Promise.all([
        lines(`order=${order}`),
        patch("meanwhile"),
        patch("again"),
        patch("and again"),
      ]);
      const positions = all.map(({ position }) => position).sort((a, b) => a - b);
      expect(positions.length).toBeGreaterThanOrEqual(before);
      expect(positions).toEqual(positions.map((_, index) => index + 1));
    }
  });
});

describe("GET /v1/audit-events as CSV", () => {
  it("is a record an event under a header, and S52: nothing that a spreadsheet would run", async () => {
    const { text, headers } = await expectStatus(200, as("text/csv", "order=asc"));
    expect(headers["content-type"]).toBe("text/csv; charset=utf-8; header=present");
    const [header, ...records] = text.split("\r\n").slice(0, -1);
    expect(header).toBe("position,eventId,type,at,meshId,actorKind,actorId,source,subjects,outcome,requestId,detail");
    expect(records.length).toBe((await lines()).length);
    expect(text).not.toMatch(/(?:^|,)"?[=+\-@\t\r]/m);
    const proposed = records.find((record) => record.includes("federation.proposed"));
    expect(proposed).toContain('""reason"":""=1+1, \\""quoted\\""""');
  });
});

describe("Accept", () => {
  it("is answered 406 where nothing of it is offered, and JSON without it", async () => {
    expect((await refused("not-acceptable", as("text/html"))).body.offered).toEqual([
      "application/json",
      NDJSON,
      "text/csv",
    ]);
    for (const accept of ["*/*", "application/json", ""]) {
      const { headers } = await expectStatus(200, as(accept));
      expect(headers["content-type"]).toMatch(/^application\/json/);
      expect(headers.vary).toBe("accept");
    }
  });

  it("of what is refused is a problem all the same", async () => {
    await refused("invalid-request", as(NDJSON, "from=yesterday"));
    await refused("invalid-request", as("text/csv", "from=2026-12-31T23:59:60Z"));
    await refused("unauthenticated", as(NDJSON, "", "none"));
  });

  it("HEAD says the type and reads nothing", async () => {
    const { headers, text } = await broker.api("HEAD", "/v1/audit-events", { token, headers: { accept: "text/csv" } });
    expect(headers["content-type"]).toMatch(/^text\/csv/);
    expect(text).toBe("");
  });
});
