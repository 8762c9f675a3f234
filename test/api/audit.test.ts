import { createHash } from "node:crypto";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterAll, describe, expect, it } from "vitest";
import { MINUTE_MS } from "../../src/time.ts";
import { ON_SQLITE } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { bareMesh, events, idOf, recordedBy, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker({ ...UNLIMITED, ...ON_SQLITE });
afterAll(() => broker.remove());
const operator = broker.operatorToken;

/** Another hand on the same database. */
function withDatabase<T>(act: (db: BetterSqlite3.Database) => T): T {
  const db = new BetterSqlite3(join(broker.dataFolder, "entente.db"));
  try {
    return act(db);
  } finally {
    db.close();
  }
}
describe("S67: change and event commit together or not at all", () => {
  it("where the event cannot be written nothing is changed, and the answer says no more than internal (S56)", async () => {
    const register = () =>
      broker.api("POST", "/v1/meshes", { token: operator, body: { meshId: "torn", trustDomain: "torn.example" } });
    withDatabase((db) =>
      db.exec("create trigger broken before insert on event begin select raise(abort, 'secret-cause'); end"),
    );
    const { text } = await refused("internal", register());
    expect(text).not.toContain("secret-cause");
    expect(text).not.toMatch(/sql|\.ts|node_modules/i);
    await refused("not-found", broker.api("GET", "/v1/meshes/torn", { token: operator }));
    withDatabase((db) => db.exec("drop trigger broken"));
    await expectStatus(201, register());
  });

  it("S68, S69: the log takes no update and no delete; its leaf commits to a detail that can be erased", async () => {
    const { position } = (await events(broker, "type=mesh.registered&limit=1"))[0];
    withDatabase((db) => {
      expect(() => db.prepare("update event set type = 'x' where position = ?").run(position)).toThrow("append-only");
      expect(() => db.prepare("delete from event where position = ?").run(position)).toThrow("append-only");
      const { leaf } = db.prepare("select leaf from event where position = ?").get(position) as { leaf: string };
      const { detail } = db.prepare("select detail from event_detail where position = ?").get(position) as {
        detail: string;
      };
      expect(JSON.parse(leaf)).toMatchObject({
        v: 1,
        position,
        detailDigest: createHash("sha256").update(detail).digest("hex"),
      });
      db.prepare("delete from event_detail where position = ?").run(position);
    });
    const { body } = await expectStatus(200, broker.api("GET", `/v1/audit-events/${position}`, { token: operator }));
    expect(body).toMatchObject({
      position,
      type: "mesh.registered",
      detail: null,
      actor: null,
      source: null,
      outcome: null,
    });
    expect(body.subjects).not.toEqual([]);
  });
});

describe("S70: what was refused", () => {
  it("to a known caller, by permission or by a rule, is an event of its own, without the reasons of others", async () => {
    const { token } = await bareMesh(broker, "insistent");
    const wrong = { name: "p" };
    const byPermission = await recordedBy(broker, () =>
      refused("forbidden", broker.api("POST", "/v1/invitations", { token, body: {} })),
    );
    const byRule = await recordedBy(broker, async () => {
      await broker.api("POST", "/v1/meshes/insistent/pollers", { token, body: wrong });
      await refused("poller-name-taken", broker.api("POST", "/v1/meshes/insistent/pollers", { token, body: wrong }));
    });
    const byReach = await recordedBy(broker, () =>
      refused("not-found", broker.api("PATCH", "/v1/meshes/audited", { token, body: {} })),
    );
    expect(byPermission).toMatchObject([
      { type: "request.refused", outcome: "refused", detail: { operationId: "invite", code: "forbidden" } },
    ]);
    expect(byRule.at(-1)).toMatchObject({
      type: "request.refused",
      detail: { code: "poller-name-taken", pointer: "/name" },
      meshId: "insistent",
    });
    expect(byReach).toMatchObject([{ detail: { operationId: "changeMesh", code: "not-found" } }]);
    for (const event of [...byPermission, ...byReach]) {
      expect(event.actor).toEqual({ kind: "token", id: idOf(token) });
      expect(event.subjects).not.toContain("mesh/audited");
    }
  });

  it("is recorded singly at most 60 times a minute a token; the rest, reads and dry runs, unknown callers, schema errors and the public listener are counted", async () => {
    const counting = await runBroker(UNLIMITED);
    const { token } = await bareMesh(counting, "flood");
    const other = await bareMesh(counting, "calm");
    // The beginning of a minute, so that all of it falls into one.
    counting.moveClock(MINUTE_MS - (Date.now() % MINUTE_MS));
    const forbidden = (bearer: string) => counting.api("POST", "/v1/invitations", { token: bearer, body: {} });
    for (let n = 0; n < 67; n += 1) await refused("forbidden", forbidden(token));
    await refused("forbidden", forbidden(other.token));
    for (let n = 0; n < 3; n += 1)
      await refused("unauthenticated", counting.api("GET", "/v1/meshes", { token: "nobody" }));
    for (let n = 0; n < 4; n += 1)
      await refused("invalid-request", counting.api("POST", "/v1/tokens", { token, body: {} }));
    await refused("invalid-json", counting.api("POST", "/v1/tokens", { token, raw: "{" }));
    for (let n = 0; n < 6; n += 1) await refused("not-found", counting.api("GET", "/v1/meshes/calm", { token }));
    const dryRun = "/v1/meshes/calm?dryRun=true";
    await refused("not-found", counting.api("PATCH", dryRun, { token, body: {} }));
    for (let n = 0; n < 5; n += 1) await counting.pollWeb("/p/unknown/flood.example");
    const singly = await events(counting, "type=request.refused&limit=1000");
    const by = (bearer: string) => singly.filter(({ actor }) => actor.id === idOf(bearer)).length;
    expect([by(token), by(other.token), singly.length]).toEqual([60, 1, 61]);
    const again = await counting.restart();
    const counted = await events(again, "type=refusals.counted");
    expect(counted).toMatchObject([
      {
        actor: { kind: "broker", id: "system" },
        outcome: "refused",
        detail: {
          "over-limit": 7,
          unauthenticated: 3,
          "invalid-request": 5,
          "nothing-to-change": 7,
          "bundle-endpoint": 5,
        },
      },
    ]);
    await again.remove();
  });
});

describe("who sees what", () => {
  it("S21: of the other side's acts mesh ID, type, time and outcome; of one's own and to an auditor all", async () => {
    const left = await registerMesh(broker, "left");
    const right = await registerMesh(broker, "right");
    const federationId = await federate(broker, left, right);
    const about = async (token: string) =>
      (await broker.api("GET", `/v1/audit-events?federationId=${federationId}&order=asc`, { token })).body.events;
    const [proposed, granted] = await about(left.token);
    expect(proposed).toMatchObject({ type: "federation.proposed", meshId: "left", source: "127.0.0.1" });
    expect(proposed.actor.id).toBe(idOf(left.token));
    expect(granted).toMatchObject({ type: "federation.granted", meshId: "right", outcome: "done" });
    expect(granted).toMatchObject({ actor: null, source: null, requestId: null, detail: null });
    expect(JSON.stringify(granted)).not.toContain(idOf(right.token));
    const [, whole] = await about(operator);
    expect(whole.actor.id).toBe(idOf(right.token));
  });

  it("S21: what an operator does to a mesh is no mesh's act, nor what follows; its people read no address of the operator", async () => {
    const body = { meshId: "managed", trustDomain: "managed.example" };
    const registered = await recordedBy(broker, () =>
      expectStatus(201, broker.api("POST", "/v1/meshes", { token: operator, body })),
    );
    expect(registered.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        "mesh.registered",
        "trust-domain.registered",
        "membership.granted",
        "bundle-access.granted",
      ]),
    );
    const asked = { name: "first", role: "mesh-admin", meshes: ["managed"] };
    const { token } = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token: operator, body: asked })))
      .body;
    const own = (await expectStatus(200, broker.api("GET", "/v1/audit-events?limit=200", { token }))).body.events;
    expect(own.length).toBeGreaterThan(3);
    for (const event of own) expect(event).toMatchObject({ meshId: null, source: null });

    const full = await registerMesh(broker, "full");
    await federate(broker, full, await registerMesh(broker, "full-peer"));
    const code = broker.api("POST", "/v1/meshes/full/federation-codes", { token: full.token, body: {} });
    await expectStatus(201, code);
    const deleted = await recordedBy(broker, () =>
      expectStatus(200, broker.api("DELETE", "/v1/meshes/full?withdraw=true", { token: operator })),
    );
    expect(deleted.map(({ type }) => type)).toEqual(
      expect.arrayContaining([
        "mesh.deleted",
        "federation.withdrawn",
        "poller.revoked",
        "token.revoked",
        "federation-code.revoked",
        "membership.ended",
        "trust-domain.freed",
      ]),
    );
    for (const { type, meshId } of [...registered, ...deleted]) expect([type, meshId]).toEqual([type, null]);
  });

  it("what a mesh's own admin does is its mesh's act, and so is what follows", async () => {
    const { token } = await registerMesh(broker, "leaves");
    const deleted = await recordedBy(broker, () =>
      expectStatus(200, broker.api("DELETE", "/v1/meshes/leaves", { token })),
    );
    expect(deleted.map(({ type }) => type)).toEqual(expect.arrayContaining(["poller.revoked", "trust-domain.freed"]));
    for (const { type, meshId } of deleted) expect([type, meshId]).toEqual([type, "leaves"]);
  });

  it("of what is no business of its meshes a token sees nothing, whatever it asks for", async () => {
    const { token } = await bareMesh(broker, "outsider");
    for (const query of [
      "",
      "meshId=left",
      "trustDomain=left.example",
      "type=bundle.revised",
      `actor=${idOf(operator)}`,
    ]) {
      const { body } = await broker.api("GET", `/v1/audit-events?limit=1000&${query}`, { token });
      for (const { subjects } of body.events) expect(subjects).toContain("mesh/outsider");
    }
    const foreign = (await events(broker, "meshId=left&limit=1"))[0].position;
    await refused("not-found", broker.api("GET", `/v1/audit-events/${foreign}`, { token }));
    await refused("not-found", broker.api("GET", "/v1/audit-events/999999", { token }));
    await refused("not-found", broker.api("GET", "/v1/audit-events/first", { token }));
  });
});

describe("events are found", () => {
  it("by mesh, trust domain, actor, type and time, all at once", async () => {
    const { token } = await bareMesh(broker, "findable");
    const all = await events(broker, "limit=1000");
    const expected = (fits: (event: (typeof all)[number]) => boolean) =>
      all.filter(fits).map(({ position }) => position);
    const found = async (query: string) =>
      (await events(broker, `limit=1000&${query}`)).map(({ position }) => position);
    expect(await found("meshId=findable")).toEqual(expected(({ subjects }) => subjects.includes("mesh/findable")));
    expect(await found("trustDomain=findable.example")).toEqual(
      expected(({ subjects }) => subjects.includes("trust-domain/findable.example")),
    );
    expect(await found(`actor=${idOf(operator)}`)).toEqual(expected(({ actor }) => actor?.id === idOf(operator)));
    expect(await found("type=mesh.registered")).toEqual(expected(({ type }) => type === "mesh.registered"));
    const middle = all[Math.floor(all.length / 2)].at;
    expect(await found(`from=${middle}`)).toEqual(expected(({ at }) => at >= middle));
    expect(await found(`to=${middle}`)).toEqual(expected(({ at }) => at < middle));
    expect(await found("meshId=findable&type=mesh.registered")).toHaveLength(1);
    expect(await found("meshId=findable&type=mesh.deleted")).toEqual([]);
    await refused("invalid-request", broker.api("GET", "/v1/audit-events?from=yesterday", { token }));
  });

  it.each(["desc", "asc"])("in the order of positions, %s, dense, page by page", async (order) => {
    const positions: number[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await broker.api("GET", `/v1/audit-events?order=${order}&limit=7${cursor}`, { token: operator });
      positions.push(...body.events.map(({ position }: { position: number }) => position));
      if (body.next === undefined) break;
      cursor = `&cursor=${body.next}`;
    }
    const upwards = order === "asc" ? positions : positions.toReversed();
    expect(upwards).toEqual(upwards.map((_, index) => index + 1));
  });

  it("meshes, trust domains, authorities and federations link to their events", async () => {
    const mesh = await registerMesh(broker, "linked");
    const federationId = await federate(broker, mesh, await registerMesh(broker, "linked-2"));
    for (const path of [
      "/v1/meshes/linked",
      "/v1/trust-domains/linked.example",
      `/v1/meshes/linked/authorities/${mesh.authorityId}`,
      `/v1/federations/${federationId}`,
    ]) {
      const { body } = await expectStatus(200, broker.api("GET", path, { token: mesh.token }));
      const told = await expectStatus(200, broker.api("GET", body.links.events, { token: mesh.token }));
      expect(told.body.events.length, path).toBeGreaterThan(0);
    }
  });
});
