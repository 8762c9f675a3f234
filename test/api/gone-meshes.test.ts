import { afterAll, describe, expect, it } from "vitest";
import { type ApiAnswer, expectStatus, runBroker } from "../support/running-broker.ts";
import { events, idOf, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const operator = broker.operatorToken;

interface Made {
  readonly token: string;
  readonly tokenId: string;
}

const make = (token: string, meshes: readonly string[], role = "mesh-admin") =>
  broker.api("POST", "/v1/tokens", { token, body: { name: "test", role, meshes } });
const made = async (token: string, meshes: readonly string[], role?: string): Promise<Made> =>
  (await expectStatus(201, make(token, meshes, role))).body;
const read = (token: string, { tokenId }: Made) => broker.api("GET", `/v1/tokens/${tokenId}`, { token });
const revoke = (token: string, { tokenId }: Made) => broker.api("DELETE", `/v1/tokens/${tokenId}`, { token });
const rotate = (token: string, { tokenId }: Made) =>
  broker.api("POST", `/v1/tokens/${tokenId}/rotations`, { token, body: {} });
const deleteMesh = (token: string, meshId: string) => broker.api("DELETE", `/v1/meshes/${meshId}`, { token });
const holds = async (token: string) => (await broker.api("GET", "/v1/tokens", { token })).status === 200;
const trail = async (token: string, query: string): Promise<ApiAnswer["body"][]> =>
  (await expectStatus(200, broker.api("GET", `/v1/audit-events?limit=200&${query}`, { token }))).body.events;

/** Two meshes, an admin of each, and a token of both that somebody has who should not. */
async function twoMeshes(name: string) {
  const [stays, goes] = [`${name}-stays`, `${name}-goes`];
  for (const meshId of [stays, goes]) {
    const body = { meshId, trustDomain: `${meshId}.example` };
    await expectStatus(201, broker.api("POST", "/v1/meshes", { token: operator, body }));
  }
  const { token: both } = await made(operator, [stays, goes]);
  const admin = await made(both, [stays]);
  const gone = await made(both, [goes]);
  return { stays, goes, both, admin, gone, stolen: await made(both, [stays, goes]) };
}

describe.each(["an operator", "its own admin"])("S23: a token of two meshes, one of which %s deletes", (deleter) => {
  const one = async (name: string) => {
    const world = await twoMeshes(`${name}-${deleter === "an operator" ? "op" : "own"}`);
    await expectStatus(200, deleteMesh(deleter === "an operator" ? operator : world.gone.token, world.goes));
    return world;
  };

  it("speaks for the one that is left, as its admin, an operator and its bearer read; that one's own ends", async () => {
    const { stays, admin, gone, stolen } = await one("read");
    for (const token of [admin.token, operator, stolen.token])
      expect((await expectStatus(200, read(token, stolen))).body.meshes).toEqual([stays]);
    expect(await holds(gone.token)).toBe(false);
  });

  it("is revoked by the admin of the one that is left", async () => {
    const { admin, stolen } = await one("revoke");
    await expectStatus(200, revoke(admin.token, stolen));
    expect(await holds(stolen.token)).toBe(false);
  });

  it("is rotated by that admin, for that mesh alone", async () => {
    const { stays, admin, stolen } = await one("rotate");
    const { body } = await expectStatus(201, rotate(admin.token, stolen));
    expect(body.meshes).toEqual([stays]);
    expect((await read(operator, body)).body.meshes).toEqual([stays]);
  });

  it("is still not an operator's to end or to replace", async () => {
    const { stays, stolen } = await one("operator");
    await refused("forbidden", revoke(operator, stolen));
    await refused("forbidden", rotate(operator, stolen));
    await refused("admin-token-exists", make(operator, [stays]));
  });

  it("makes, in its bearer's hands, others for the mesh that is left alone, rotates and revokes itself", async () => {
    const { stays, goes, admin, stolen } = await one("bearer");
    expect((await refused("not-found", make(stolen.token, [stays, goes]))).body.pointer).toBe("/meshes/1");
    const other = await made(stolen.token, [stays]);
    await expectStatus(200, revoke(admin.token, other));
    const { body: successor } = await expectStatus(201, rotate(stolen.token, stolen));
    expect(successor.meshes).toEqual([stays]);
    await expectStatus(200, revoke(successor.token, successor));
    await expectStatus(200, revoke(stolen.token, stolen));
    for (const { token } of [other, successor, stolen]) expect(await holds(token)).toBe(false);
  });

  it("S21: reads nothing more of the mesh that is gone; the log says what the token lost, to others not whose", async () => {
    const { stays, goes, both, admin, gone, stolen } = await one("log");
    for (const query of ["", `meshId=${goes}`, `trustDomain=${goes}.example`])
      for (const { subjects } of await trail(stolen.token, query)) expect(subjects).toContain(`mesh/${stays}`);
    const about = `type=token.narrowed&meshId=${stays}`;
    const subjects = [`mesh/${goes}`, `mesh/${stays}`, `token/${stolen.tokenId}`];
    const [whole] = (await events(broker, about)).filter((event) => event.subjects.includes(subjects[2]));
    expect(whole).toMatchObject({ subjects, detail: { name: "test", role: "mesh-admin" } });
    const told = await trail(admin.token, about);
    expect(told.map((event) => event.subjects).sort()).toEqual(
      [idOf(both), stolen.tokenId].map((id) => [`mesh/${stays}`, `token/${id}`]).sort(),
    );
    for (const by of [goes, gone.tokenId, idOf(operator)]) expect(JSON.stringify(told)).not.toContain(by);
  });
});

it("S23: a token that only reads is narrowed like any other; one of two meshes that both go ends with the second", async () => {
  const { stays, goes, both, admin } = await twoMeshes("reads");
  const viewer = await made(both, [stays, goes], "mesh-viewer");
  await expectStatus(200, deleteMesh(both, goes));
  expect((await read(admin.token, viewer)).body.meshes).toEqual([stays]);
  await expectStatus(201, rotate(admin.token, viewer));
  await expectStatus(200, deleteMesh(both, stays));
  for (const token of [both, viewer.token, admin.token]) expect(await holds(token)).toBe(false);
});

it("a mesh is deleted by a token that speaks for a suspended one too: that one's tokens get nothing by it", async () => {
  const { stays, goes, both } = await twoMeshes("suspended");
  const body = { reason: "a key is lost" };
  await expectStatus(201, broker.api("POST", `/v1/meshes/${stays}/suspension`, { token: operator, body }));
  await expectStatus(200, deleteMesh(both, goes));
});
