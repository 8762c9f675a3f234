import { afterAll, describe, expect, it } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { expectStatus, registerMesh, runBroker, type TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { eventually, refused, UNLIMITED, upload } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());

const pathOf = ({ trustDomain }: TestMesh) => `/v1/trust-domains/${trustDomain}/revisions`;
const revisionsOf = async (mesh: TestMesh) =>
  (await expectStatus(200, broker.api("GET", pathOf(mesh), { token: mesh.token }))).body.revisions;
const served = async (mesh: TestMesh) =>
  JSON.parse((await broker.pollWeb(`/p/${mesh.pollerToken}/${mesh.trustDomain}`)).body);
const move = (mesh: TestMesh, authorityId: string, to: string) =>
  expectStatus(
    200,
    broker.api("POST", `/v1/meshes/${mesh.meshId}/authorities/${authorityId}/transitions`, {
      token: mesh.token,
      body: { to, reason: `now ${to}` },
    }),
  );

describe("each change of what a trust domain publishes makes exactly one revision", () => {
  it("with who, why, and the difference from its neighbour, newest first", async () => {
    const mesh = await registerMesh(broker, "history");
    const [first] = await revisionsOf(mesh);
    const { authorities } = await upload(broker, mesh, testCa({ trustDomain: mesh.trustDomain }).certificatePem);
    await move(mesh, authorities[0].authorityId, "active");
    await move(mesh, mesh.authorityId, "retiring");
    await move(mesh, mesh.authorityId, "retired");
    const revisions = await revisionsOf(mesh);
    expect(revisions).toMatchObject([
      { added: [], removed: first.added, cause: "authority.transitioned", reason: "now retired" },
      { added: [authorities[0].fingerprint], removed: [], cause: "authority.contributed", reason: null },
      { ...first, removed: [], cause: "authority.contributed" },
    ]);
    const { body: me } = await broker.api("GET", "/v1/tokens", { token: mesh.token });
    for (const { actor } of revisions) expect(actor).toBe(me.tokens[0].tokenId);
    expect(new Set(revisions.map(({ digest }: { digest: string }) => digest)).size).toBe(3);
    expect((await served(mesh)).spiffe_sequence).toBe(revisions[0].sequence);
  });

  it("several authorities in one upload are one change", async () => {
    const mesh = await registerMesh(broker, "bulk");
    const cas = [1, 2, 3].map((n) => testCa({ trustDomain: mesh.trustDomain, commonName: `CA ${n}` }));
    await upload(broker, mesh, cas.map(({ certificatePem }) => certificatePem).join("\n"));
    const revisions = await revisionsOf(mesh);
    expect(revisions).toHaveLength(2);
    expect(revisions[0].added).toHaveLength(3);
  });

  it("what leaves keys and hint equal makes none: a transition between published states, the same hint, a label", async () => {
    const mesh = await registerMesh(broker, "still");
    const before = await broker.pollWeb(`/p/${mesh.pollerToken}/${mesh.trustDomain}`);
    await move(mesh, mesh.authorityId, "retiring");
    await move(mesh, mesh.authorityId, "active");
    const patch = (path: string, body: object) =>
      expectStatus(200, broker.api("PATCH", path, { token: mesh.token, body }));
    await patch(`/v1/trust-domains/${mesh.trustDomain}`, { refreshHintSeconds: 300, public: true });
    await patch("/v1/meshes/still", { labels: { tier: "gold" } });
    expect(await revisionsOf(mesh)).toHaveLength(1);
    const after = await broker.pollWeb(`/p/${mesh.pollerToken}/${mesh.trustDomain}`);
    expect([after.body, after.headers.etag]).toEqual([before.body, before.headers.etag]);
  });

  it("a new hint is a revision that adds and removes nothing", async () => {
    const mesh = await registerMesh(broker, "hint");
    const body = { refreshHintSeconds: 600 };
    await expectStatus(200, broker.api("PATCH", `/v1/trust-domains/${mesh.trustDomain}`, { token: mesh.token, body }));
    const [newest, ...older] = await revisionsOf(mesh);
    expect(older).toHaveLength(1);
    expect(newest).toMatchObject({ refreshHintSeconds: 600, added: [], removed: [], cause: "trust-domain.updated" });
  });

  it("one revision is read with the bundle as it was served, and linked to its event", async () => {
    const mesh = await registerMesh(broker, "reader");
    const [{ sequence, links }] = await revisionsOf(mesh);
    const { body } = await expectStatus(200, broker.api("GET", `${pathOf(mesh)}/${sequence}`, { token: mesh.token }));
    expect(body.bundle).toEqual(await served(mesh));
    const event = await expectStatus(200, broker.api("GET", links.event, { token: mesh.token }));
    expect(event.body).toMatchObject({ type: "bundle.revised", position: body.position });
    for (const absent of ["1", "x", "9".repeat(17), "-1"])
      await refused("not-found", broker.api("GET", `${pathOf(mesh)}/${absent}`, { token: mesh.token }));
  });

  it("pages meet without a gap, and the last item of a page still tells its difference", async () => {
    const mesh = await registerMesh(broker, "pages");
    for (const n of [1, 2, 3, 4])
      await upload(broker, mesh, testCa({ trustDomain: mesh.trustDomain, commonName: `CA ${n}` }).certificatePem);
    const whole = await revisionsOf(mesh);
    const paged = [];
    for (let cursor = ""; ; ) {
      const { body } = await broker.api("GET", `${pathOf(mesh)}?limit=2${cursor}`, { token: mesh.token });
      paged.push(...body.revisions);
      if (body.next === undefined) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(paged).toEqual(whole);
    expect(paged).toHaveLength(5);
  });

  it("R87: all that expires at once is one revision by the clock, 24 hours after; time alone never empties a bundle", async () => {
    const mesh = await registerMesh(broker, "mortal", { ca: { notAfter: Date.now() + 3 * HOUR_MS } });
    const cas = [1, 2].map((n) =>
      testCa({ trustDomain: mesh.trustDomain, commonName: `CA ${n}`, notAfter: Date.now() + HOUR_MS }),
    );
    await upload(broker, mesh, cas.map(({ certificatePem }) => certificatePem).join(""));
    try {
      broker.moveClock(DAY_MS + 2 * HOUR_MS);
      const [newest] = await eventually(
        () => revisionsOf(mesh),
        (revisions) => revisions.length > 2,
      );
      expect(newest).toMatchObject({ actor: "clock", added: [] });
      expect(newest.removed).toHaveLength(2);
      broker.moveClock(DAY_MS + 4 * HOUR_MS);
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(await revisionsOf(mesh)).toHaveLength(3);
      expect((await served(mesh)).keys).toHaveLength(1);
    } finally {
      broker.moveClock(0);
    }
  });
});
