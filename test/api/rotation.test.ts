import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { bareMesh, eventually, idOf, recordedBy, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const operator = broker.operatorToken;
const DAY_S = 86_400;

const rotateToken = (token: string, tokenId: string, body: object = {}, headers = {}) =>
  broker.api("POST", `/v1/tokens/${tokenId}/rotations`, { token, body, headers });
const works = async (token: string) => (await broker.api("GET", "/v1/meshes", { token })).status === 200;

/** What `act` sees while the clock is so many seconds ahead. */
async function later<T>(seconds: number, act: () => Promise<T>): Promise<T> {
  broker.moveClock(seconds * 1000);
  try {
    return await act();
  } finally {
    broker.moveClock(0);
  }
}

describe("S26: a token is rotated with an overlap", () => {
  it("the new one has the same name, role, meshes and life; the old one works for 24 hours more", async () => {
    const mesh = await bareMesh(broker, "rotated");
    const before = (await broker.api("GET", `/v1/tokens/${idOf(mesh.token)}`, { token: mesh.token })).body;
    const { body, headers } = await expectStatus(201, rotateToken(mesh.token, before.tokenId));
    expect(body).toMatchObject({ name: before.name, role: "mesh-admin", meshes: ["rotated"], revokedAt: null });
    expect(headers.location).toBe(`/v1/tokens/${body.tokenId}`);
    const kept = (await broker.api("GET", `/v1/tokens/${before.tokenId}`, { token: mesh.token })).body;
    expect(body.predecessor).toEqual({ tokenId: before.tokenId, expiresAt: kept.expiresAt });
    const life = ({ createdAt, expiresAt }: typeof before) => Date.parse(expiresAt) - Date.parse(createdAt);
    expect(life(body)).toBe(life(before));
    expect([await works(mesh.token), await works(body.token)]).toEqual([true, true]);
    expect(await later(DAY_S - 5, () => works(mesh.token))).toBe(true);
    expect(await later(DAY_S + 1, () => works(mesh.token))).toBe(false);
    expect(await later(DAY_S + 1, () => works(body.token))).toBe(true);
  });

  it("without an overlap the old one ends at once", async () => {
    const mesh = await bareMesh(broker, "rotated-at-once");
    const { body } = await expectStatus(201, rotateToken(mesh.token, idOf(mesh.token), { overlapSeconds: 0 }));
    expect([await works(mesh.token), await works(body.token)]).toEqual([false, true]);
  });

  it("rotated again, because the answer was lost, the successor lives as long all the same", async () => {
    const mesh = await bareMesh(broker, "rotated-twice");
    const { tokenId } = (await broker.api("GET", `/v1/tokens/${idOf(mesh.token)}`, { token: mesh.token })).body;
    const life = async () => {
      const { createdAt, expiresAt } = (await expectStatus(201, rotateToken(mesh.token, tokenId))).body;
      return Date.parse(expiresAt) - Date.parse(createdAt);
    };
    expect(await life()).toBe(await life());
  });

  it("a shorter overlap ends sooner, a longer one is refused, and none goes beyond the old token's own end", async () => {
    const body = { name: "short", role: "auditor", expiresInSeconds: 100 };
    const made = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token: operator, body }))).body;
    await refused("invalid-request", rotateToken(operator, made.tokenId, { overlapSeconds: DAY_S + 1 }));
    await expectStatus(201, rotateToken(operator, made.tokenId));
    const kept = (await broker.api("GET", `/v1/tokens/${made.tokenId}`, { token: operator })).body;
    expect(kept.expiresAt).toBe(made.expiresAt);
    await expectStatus(201, rotateToken(operator, made.tokenId, { overlapSeconds: 10 }));
    expect(await later(5, () => works(made.token))).toBe(true);
    expect(await later(11, () => works(made.token))).toBe(false);
  });

  it("S23: who may end a token may rotate it: no operator a mesh's admin token, no admin one that speaks for others", async () => {
    const [a, b] = [await bareMesh(broker, "two-a"), await bareMesh(broker, "two-b")];
    await refused("forbidden", rotateToken(operator, idOf(a.token)));
    await refused("not-found", rotateToken(b.token, idOf(a.token)));
    const body = { name: "both", role: "mesh-viewer", meshes: ["two-a", "two-b"] };
    const both = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token: operator, body }))).body;
    const { body: why } = await refused("wider-rights", rotateToken(a.token, both.tokenId));
    expect(why.detail).toContain("only an operator rotates it, or an admin of all its meshes");
    expect((await expectStatus(201, rotateToken(operator, both.tokenId))).body.meshes).toEqual(["two-a", "two-b"]);
    await refused("forbidden", rotateToken(both.token, both.tokenId));
    await expectStatus(200, broker.api("DELETE", `/v1/tokens/${both.tokenId}`, { token: operator }));
    await refused("already-ended", rotateToken(operator, both.tokenId));
  });

  it("L19: a replay shows no secret and names the successor, whose rotation is the mend; both are events", async () => {
    const mesh = await bareMesh(broker, "replayed");
    const key = { "idempotency-key": "rotate-once" };
    const told = await recordedBy(broker, async () => {
      const { tokenId } = (await expectStatus(201, rotateToken(mesh.token, idOf(mesh.token), {}, key))).body;
      const replay = await refused("secret-already-shown", rotateToken(mesh.token, idOf(mesh.token), {}, key));
      expect(replay.body.tokenId).toBe(tokenId);
      await expectStatus(201, rotateToken(mesh.token, tokenId));
    });
    const own = told.filter(({ subjects }) => subjects.includes("mesh/replayed"));
    expect(own.map(({ type }) => type)).toEqual([
      "token.created",
      "token.rotated",
      "request.refused",
      "token.created",
      "token.rotated",
    ]);
    expect(own[1]).toMatchObject({
      actor: { id: idOf(mesh.token) },
      detail: { successor: expect.stringMatching(/^tok_/) },
    });
  });
});

const serves = async (token: string, trustDomain: string) => {
  const [web, spiffe] = [
    await broker.pollWeb(`/p/${token}/${trustDomain}`),
    await broker.pollSpiffe(`/p/${token}/${trustDomain}`),
  ];
  expect(web.status).toBe(spiffe.status);
  return web.status;
};

describe("S35: a poller's URL is rotated with an overlap", () => {
  const rotate = (mesh: { meshId: string; token: string; pollerId: string }, body: object = {}) =>
    broker.api("POST", `/v1/meshes/${mesh.meshId}/pollers/${mesh.pollerId}/rotations`, { token: mesh.token, body });

  it("both URLs serve until the overlap ends, then the new one alone; the ledger is one", async () => {
    const mesh = await registerMesh(broker, "turning");
    const { body } = await expectStatus(200, rotate(mesh, { overlapSeconds: 60 }));
    expect(body).toMatchObject({ pollerId: mesh.pollerId, name: "control plane" });
    expect(body.urls.spiffe).toContain(body.token);
    expect(body.conditions).toContainEqual(expect.objectContaining({ type: "FormerUrlServes", status: "True" }));
    const both = () =>
      Promise.all([serves(mesh.pollerToken, "turning.example"), serves(body.token, "turning.example")]);
    expect(await both()).toEqual([200, 200]);
    expect(await later(61, both)).toEqual([404, 200]);
    const read = await later(61, () =>
      broker.api("GET", `/v1/meshes/turning/pollers/${mesh.pollerId}`, { token: mesh.token }),
    );
    expect(read.body.conditions.map(({ type }: { type: string }) => type)).toEqual(["Usable"]);
    const ledger = async () => (await broker.api("GET", "/v1/meshes/turning/deliveries", { token: mesh.token })).body;
    const { deliveries } = await eventually(ledger, (found) => found.deliveries.length > 0);
    expect(deliveries.map(({ pollerId }: { pollerId: string }) => pollerId)).toEqual([mesh.pollerId]);
  });

  it("a rotation whose answer was lost is rotated again, and the URL in use still serves; not without end", async () => {
    const mesh = await registerMesh(broker, "unlucky");
    for (let n = 0; n < 4; n += 1) await expectStatus(200, rotate(mesh));
    expect(await serves(mesh.pollerToken, "unlucky.example")).toBe(200);
    expect((await refused("quota-exceeded", rotate(mesh))).body.quota).toBe("formerUrls");
    await later(DAY_S + 1, () => expectStatus(200, rotate(mesh)));
    await refused("invalid-request", rotate(mesh, { overlapSeconds: 7 * DAY_S + 1 }));
  });

  it("a new process knows the former URLs too", async () => {
    const first = await runBroker(UNLIMITED);
    const mesh = await registerMesh(first, "kept");
    const path = `/v1/meshes/kept/pollers/${mesh.pollerId}/rotations`;
    const { token } = (await expectStatus(200, first.api("POST", path, { token: mesh.token, body: {} }))).body;
    const second = await first.restart();
    try {
      for (const known of [mesh.pollerToken, token])
        expect((await second.pollWeb(`/p/${known}/kept.example`)).status).toBe(200);
    } finally {
      await second.remove();
    }
  });

  it("a revoked poller's URLs all end, and it cannot be rotated", async () => {
    const mesh = await registerMesh(broker, "ended");
    const { body } = await expectStatus(200, rotate(mesh));
    await expectStatus(200, broker.api("DELETE", `/v1/meshes/ended/pollers/${mesh.pollerId}`, { token: mesh.token }));
    expect(await serves(mesh.pollerToken, "ended.example")).toBe(404);
    expect(await serves(body.token, "ended.example")).toBe(404);
    await refused("already-ended", rotate(mesh));
  });
});

describe("S26, S35: a revocation holds within 5 s on every listener: here, once it is answered", () => {
  it("a token on the admin listener, a poller on both bundle listeners", async () => {
    const [mesh, peer] = [await registerMesh(broker, "revoking"), await registerMesh(broker, "revoked-at")];
    await federate(broker, mesh, peer);
    const body = { name: "more", role: "mesh-admin", meshes: ["revoking"] };
    const more = (await expectStatus(201, broker.api("POST", "/v1/tokens", { token: mesh.token, body }))).body;
    expect(await works(more.token)).toBe(true);
    await expectStatus(200, broker.api("DELETE", `/v1/tokens/${more.tokenId}`, { token: mesh.token }));
    expect(await works(more.token)).toBe(false);
    for (const domain of ["revoking.example", "revoked-at.example"])
      expect(await serves(mesh.pollerToken, domain)).toBe(200);
    await expectStatus(
      200,
      broker.api("DELETE", `/v1/meshes/revoking/pollers/${mesh.pollerId}`, { token: mesh.token }),
    );
    for (const domain of ["revoking.example", "revoked-at.example"])
      expect(await serves(mesh.pollerToken, domain)).toBe(404);
  });
});
