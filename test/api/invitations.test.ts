import { afterAll, describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/time.ts";
import { expectStatus, runBroker } from "../support/running-broker.ts";
import { bareMesh, events, invite, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const operator = broker.operatorToken;

const register = (token: string, meshId: string, trustDomain: string, more: object = {}) =>
  broker.api("POST", "/v1/meshes", { token, body: { meshId, trustDomain, ...more } });
const read = async (invitationId: string) =>
  (await expectStatus(200, broker.api("GET", `/v1/invitations/${invitationId}`, { token: operator }))).body;

describe("S19: an invitation is an operator's approval of one registration", () => {
  it("registers the mesh, brings its first mesh-admin token, and is spent", async () => {
    const { body, headers } = await invite(broker, { trustDomain: "shop.example", meshId: "shop" });
    expect(headers.location).toBe(`/v1/invitations/${body.invitationId}`);
    const registered = await expectStatus(201, register(body.token, "shop", "shop.example"));
    const me = await expectStatus(200, broker.api("GET", "/v1/tokens", { token: registered.body.token }));
    expect(me.body.tokens).toMatchObject([{ role: "mesh-admin", meshes: ["shop"], createdBy: body.invitationId }]);
    expect(await read(body.invitationId)).toMatchObject({ state: "spent", spentBy: "shop", refusals: 0 });
  });

  it("is good for one success: the second use is refused like any credential that does not hold (S25)", async () => {
    const { body } = await invite(broker, { trustDomain: "once.example" });
    await expectStatus(201, register(body.token, "once", "once.example"));
    await refused("unauthenticated", register(body.token, "twice", "once.example"));
    await expectStatus(200, broker.api("DELETE", `/v1/invitations/${body.invitationId}`, { token: operator }));
    expect(await read(body.invitationId)).toMatchObject({ state: "spent", revokedAt: expect.any(String) });
  });

  it("two at once: one mesh is registered, the other refused", async () => {
    const { body } = await invite(broker, { trustDomain: "race.example" });
    const answers = await Promise.all(
      ["a", "b", "c"].map((name) => register(body.token, `race-${name}`, "race.example")),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401]);
    const { body: domain } = await broker.api("GET", "/v1/trust-domains/race.example", { token: operator });
    expect(domain.members).toHaveLength(1);
  });

  it("is not spent by a refusal: wrong trust domain, wrong mesh ID, a mesh ID that is taken", async () => {
    await bareMesh(broker, "occupied");
    const { body } = await invite(broker, { trustDomain: "named.example", meshId: "named" });
    const wrongDomain = await refused("invitation-mismatch", register(body.token, "named", "other.example"));
    expect(wrongDomain.body.pointer).toBe("/trustDomain");
    const wrongMesh = await refused("invitation-mismatch", register(body.token, "other", "named.example"));
    expect(wrongMesh.body.pointer).toBe("/meshId");
    const free = await invite(broker, { trustDomain: "named.example" });
    await refused("mesh-id-taken", register(free.body.token, "occupied", "named.example"));
    await refused("invalid-mesh-id", register(free.body.token, "Not A Label", "named.example"));
    expect(await read(body.invitationId)).toMatchObject({ state: "open", refusals: 2 });
    await expectStatus(201, register(body.token, "named", "named.example"));
  });

  it("the tenth refusal voids it; whoever guesses is not told why", async () => {
    const { body } = await invite(broker, { trustDomain: "guess.example", meshId: "guess" });
    for (let n = 1; n <= 10; n += 1) {
      expect((await read(body.invitationId)).state).toBe("open");
      await refused("invitation-mismatch", register(body.token, `guess-${n}`, "guess.example"));
    }
    expect(await read(body.invitationId)).toMatchObject({ state: "void", refusals: 10 });
    await refused("unauthenticated", register(body.token, "guess", "guess.example"));
    const told = await events(broker, "type=invitation.refused&limit=1000");
    expect(told.filter(({ subjects }) => subjects.includes(`invitation/${body.invitationId}`))).toHaveLength(10);
  });

  it("opens nothing else", async () => {
    const { token } = (await invite(broker, { trustDomain: "narrow.example" })).body;
    for (const path of ["/v1/meshes", "/v1/directory", "/v1/invitations", "/v1/tokens", "/v1/audit-events", "/metrics"])
      await refused("forbidden", broker.api("GET", path, { token }));
    await refused("forbidden", broker.api("POST", "/v1/invitations", { token, body: { trustDomain: "x.example" } }));
  });

  it("is listed and read without its secret, by an operator alone, and can be revoked", async () => {
    const { body } = await invite(broker, { trustDomain: "revoked.example" });
    const list = await expectStatus(200, broker.api("GET", "/v1/invitations?limit=1000", { token: operator }));
    expect(list.text).toContain(body.invitationId);
    expect(list.text).not.toContain("ent_inv_");
    const admin = (await bareMesh(broker, "nosy")).token;
    await refused("forbidden", broker.api("GET", `/v1/invitations/${body.invitationId}`, { token: admin }));
    const path = `/v1/invitations/${body.invitationId}`;
    await expectStatus(200, broker.api("DELETE", path, { token: operator }));
    expect((await read(body.invitationId)).state).toBe("revoked");
    await refused("unauthenticated", register(body.token, "late", "revoked.example"));
    await refused("already-ended", broker.api("DELETE", path, { token: operator }));
    await refused("not-found", broker.api("GET", "/v1/invitations/inv_absent", { token: operator }));
  });

  it("expires by the clock, after 7 days or what was asked; a clock that goes back brings it back", async () => {
    const week = (await invite(broker, { trustDomain: "week.example" })).body;
    const minute = (await invite(broker, { trustDomain: "minute.example", expiresInSeconds: 60 })).body;
    expect(Date.parse(week.expiresAt) - Date.parse(week.createdAt)).toBe(7 * DAY_MS);
    try {
      broker.moveClock(61_000);
      await refused("unauthenticated", register(minute.token, "minute", "minute.example"));
      expect((await read(minute.invitationId)).state).toBe("expired");
      await expectStatus(201, register(week.token, "week", "week.example"));
    } finally {
      broker.moveClock(0);
    }
    await expectStatus(201, register(minute.token, "minute", "minute.example"));
    for (const expiresInSeconds of [0, 366 * 86_400 + 1, 1e9])
      await refused(
        "invalid-request",
        broker.api("POST", "/v1/invitations", {
          token: operator,
          body: { trustDomain: "x.example", expiresInSeconds },
        }),
      );
  });
});
