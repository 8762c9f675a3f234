import { createPublicKey } from "node:crypto";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { type ApiAnswer, expectStatus, registerMesh, runBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { testKey } from "../support/test-keys.ts";
import { type BareMesh, bareMesh, recordedBy, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());

let names = 0;
let shop: BareMesh;
let bank: BareMesh;
beforeEach(async () => {
  names += 1;
  shop = await bareMesh(broker, `shop-${names}`);
  bank = await bareMesh(broker, `bank-${names}`);
});

type Document = Record<string, unknown>;
const path = (mesh: BareMesh) => `/v1/meshes/${mesh.meshId}/document`;
const tryPut = (mesh: BareMesh, body: Document, query = "") =>
  broker.api("PUT", `${path(mesh)}${query}`, { token: mesh.token, body });
const put = async (mesh: BareMesh, body: Document) => (await expectStatus(200, tryPut(mesh, body))).body;
const get = async (mesh: BareMesh) =>
  (await expectStatus(200, broker.api("GET", path(mesh), { token: mesh.token }))).body;
const read = async (mesh: BareMesh, of: string) =>
  (await expectStatus(200, broker.api("GET", `/v1/meshes/${mesh.meshId}${of}`, { token: mesh.token }))).body;
const caOf = (mesh: BareMesh) => testCa({ trustDomain: mesh.trustDomain }).certificatePem;
const jwk = (kid: string) => ({ ...createPublicKey(testKey("p256")).export({ format: "jwk" }), kid });
const outcomes = ({ mesh, trustDomain, authorities, pollers, federations }: ApiAnswer["body"]) =>
  [
    mesh,
    trustDomain,
    ...[authorities, pollers, federations].flatMap((all) => all.map((one: { outcome: string }) => one.outcome)),
  ].filter((outcome) => outcome !== undefined);

const whole = (mesh: BareMesh, peer: BareMesh) => ({
  mesh: { displayName: "Shop", dialect: "istio", dialectVersion: "1.30", labels: { env: "prod" }, listed: true },
  trustDomain: { refreshHintSeconds: 120, public: true },
  authorities: [
    { pem: caOf(mesh), state: "active" },
    { jwk: jwk(`key-${names}`), state: "prepared" },
  ],
  pollers: [{ name: "istiod", cluster: "east", replicas: 3 }, { name: "spire" }],
  federations: [{ peer: peer.meshId, reason: "orders call payments" }],
});

describe("a mesh document, put", () => {
  it("makes the whole mesh in one change, by the same rules and events as the single calls", async () => {
    let answer: ApiAnswer["body"];
    const recorded = await recordedBy(broker, async () => {
      answer = await put(shop, whole(shop, bank));
    });
    expect(outcomes(answer)).toEqual(["changed", "changed", ...Array(5).fill("created")]);
    expect(answer.unmanaged).toEqual({ authorities: [], pollers: [], federations: [] });
    expect(recorded.map(({ type }) => type)).toEqual([
      "mesh.updated",
      "trust-domain.updated",
      "authority.contributed",
      "authority.contributed",
      "poller.created",
      "poller.created",
      "federation.proposed",
      "bundle.revised",
    ]);
    expect(new Set(recorded.map(({ requestId }) => requestId)).size).toBe(1);
    const [authority] = (await read(shop, "/authorities")).authorities;
    expect(authority).toMatchObject({ trustDomain: shop.trustDomain });
    expect(await read(shop, "")).toMatchObject(whole(shop, bank).mesh);
    const [federation] = answer.federations;
    expect(federation).toMatchObject({ peer: bank.meshId, state: "pending", outcome: "created" });
  });

  it("S20: shows the peer the authorities that came with the proposal", async () => {
    const answer = await put(shop, whole(shop, bank));
    const { federationId } = answer.federations[0];
    const seen = await broker.api("GET", `/v1/federations/${federationId}`, { token: bank.token });
    const fingerprints = answer.authorities.map(({ fingerprint }: { fingerprint: string }) => fingerprint);
    expect(seen.body.authorities[shop.trustDomain]).toEqual(fingerprints.sort());
  });

  it("S32: shows the tokens of the pollers that it made, once, and they work", async () => {
    const document = whole(shop, bank);
    const { tokens } = await put(shop, document);
    expect(tokens).toMatchObject([{ name: "istiod" }, { name: "spire" }]);
    for (const { token, urls } of tokens) {
      expect((await broker.pollWeb(`/p/${token}/${shop.trustDomain}`)).status).toBe(200);
      expect(urls.web).toContain(`/p/${token}/`);
    }
    expect((await put(shop, document)).tokens).toEqual([]);
  });

  it("put again it changes nothing: no event, no revision, the same ETag", async () => {
    const document = whole(shop, bank);
    const first = await expectStatus(200, tryPut(shop, document));
    const { sequence } = (await broker.api("GET", `/v1/trust-domains/${shop.trustDomain}`, { token: shop.token })).body;
    const recorded = await recordedBy(broker, async () => {
      const again = await expectStatus(200, tryPut(shop, document));
      expect(outcomes(again.body)).toEqual(Array(7).fill("unchanged"));
      expect(again.headers.etag).toBe(first.headers.etag);
    });
    expect(recorded).toEqual([]);
    const after = await broker.api("GET", `/v1/trust-domains/${shop.trustDomain}`, { token: shop.token });
    expect(after.body.sequence).toBe(sequence);
  });

  it("as it is read it changes nothing, whatever the mesh has been through", async () => {
    const full = await registerMesh(broker, `full-${names}`);
    const retired = await put(full, { mesh: {}, authorities: [{ pem: caOf(full), state: "prepared" }] });
    const { authorityId } = retired.authorities[0];
    await broker.api("POST", `/v1/meshes/${full.meshId}/authorities/${authorityId}/transitions`, {
      token: full.token,
      body: { to: "retired" },
    });
    await put(full, { mesh: {}, federations: [{ peer: bank.meshId, expiresAt: "2099-01-01T00:00:00Z" }] });
    const document = await get(full);
    expect(document).toMatchObject({ authorities: [{ state: "active" }], pollers: [{ name: "control plane" }] });
    const recorded = await recordedBy(broker, async () => {
      const answer = await put(full, document);
      expect(new Set(outcomes(answer))).toEqual(new Set(["unchanged"]));
      expect(answer.unmanaged).toEqual({ authorities: [], pollers: [], federations: [] });
    });
    expect(recorded).toEqual([]);
  });

  it("leaves alone what it does not name, and lists it", async () => {
    const made = await put(shop, whole(shop, bank));
    const answer = await put(shop, { mesh: {} });
    expect(outcomes(answer)).toEqual(["unchanged"]);
    const { unmanaged } = answer;
    const ids = (all: Record<string, string>[], id: string) => all.map((one) => one[id]).sort();
    expect(ids(unmanaged.authorities, "authorityId")).toEqual(ids(made.authorities, "authorityId"));
    expect(ids(unmanaged.pollers, "pollerId")).toEqual(ids(made.pollers, "pollerId"));
    expect(ids(unmanaged.federations, "federationId")).toEqual(ids(made.federations, "federationId"));
    expect(await read(shop, "")).toMatchObject(whole(shop, bank).mesh);
  });

  it("its labels are all that the mesh has, where it has any", async () => {
    await put(shop, { mesh: { labels: { a: "1", b: "2" } } });
    await put(shop, { mesh: { labels: { b: "2", c: "3" } } });
    expect((await read(shop, "")).labels).toEqual({ b: "2", c: "3" });
    await put(shop, { mesh: { displayName: "kept" } });
    expect((await read(shop, "")).labels).toEqual({ b: "2", c: "3" });
  });

  it("changes a poller that it names, whose URL stays", async () => {
    const { tokens } = await put(shop, { mesh: {}, pollers: [{ name: "istiod", cluster: "east" }] });
    const changed = await put(shop, { mesh: {}, pollers: [{ name: "istiod", cluster: null, replicas: 2 }] });
    expect(changed).toMatchObject({ pollers: [{ outcome: "changed" }], tokens: [] });
    const [poller] = (await read(shop, "/pollers")).pollers;
    expect(poller).toMatchObject({ cluster: null, replicas: 2, pollerId: tokens[0].pollerId });
  });

  it("is all or nothing: what is refused in the last part undoes the first", async () => {
    const body = { ...whole(shop, bank), federations: [{ peer: "absent" }] };
    const recorded = await recordedBy(broker, async () => {
      expect((await refused("not-found", tryPut(shop, body))).body).toMatchObject({
        pointer: "/federations/0/peer",
        mend: expect.stringContaining("`pointer`"),
      });
    });
    expect(recorded.map(({ type }) => type)).toEqual(["request.refused"]);
    expect((await read(shop, "/pollers")).pollers).toEqual([]);
    expect((await read(shop, "/authorities")).authorities).toEqual([]);
  });

  it("?dryRun=true says what it would do, shows no token and changes nothing", async () => {
    const dry = await expectStatus(200, tryPut(shop, whole(shop, bank), "?dryRun=true"));
    expect(outcomes(dry.body.answer)).toEqual(["changed", "changed", ...Array(5).fill("created")]);
    expect(dry.body.answer).not.toHaveProperty("tokens");
    expect(dry.body.revisions).toMatchObject([{ trustDomain: shop.trustDomain }]);
    expect((await read(shop, "/pollers")).pollers).toEqual([]);
  });

  it("L20: is held against the ETag of the document that was read", async () => {
    const { headers } = await broker.api("GET", path(shop), { token: shop.token });
    const held = () =>
      broker.api("PUT", path(shop), {
        token: shop.token,
        body: { mesh: { displayName: "mine" } },
        headers: { "if-match": String(headers.etag) },
      });
    await expectStatus(200, held());
    await refused("precondition-failed", held());
    await refused(
      "precondition-required",
      broker.api("PUT", path(shop), { token: shop.token, body: { mesh: {} }, unguarded: true }),
    );
  });
});

describe("authorities in a mesh document", () => {
  const states = async (mesh: BareMesh) =>
    (await read(mesh, "/authorities")).authorities.map(({ state }: { state: string }) => state).sort();

  it("are moved by the rules of a transition, the successor first", async () => {
    const [one, two] = [caOf(shop), caOf(shop)];
    const with_ = (...wanted: [string, string][]) => ({
      mesh: {},
      authorities: wanted.map(([pem, state]) => ({ pem, state })),
    });
    await put(shop, with_([one, "active"]));
    await put(shop, with_([one, "retiring"]));
    const swapped = await put(shop, with_([one, "retired"], [two, "active"]));
    expect(outcomes(swapped)).toEqual(["unchanged", "changed", "created"]);
    expect(await states(shop)).toEqual(["active", "retired"]);
    const impossible = await refused("impossible-transition", tryPut(shop, with_([one, "active"], [two, "active"])));
    expect(impossible.body).toMatchObject({ pointer: "/authorities/0/state", possible: ["revoked"] });
  });

  it("that are new are prepared or active", async () => {
    const authorities = [{ pem: caOf(shop), state: "retired" }];
    const { body } = await refused("impossible-transition", tryPut(shop, { mesh: {}, authorities }));
    expect(body).toMatchObject({ pointer: "/authorities/0/state", possible: ["prepared", "active"] });
  });

  it("do not empty the bundle", async () => {
    const pem = caOf(shop);
    await put(shop, { mesh: {}, authorities: [{ pem, state: "prepared" }] });
    const emptied = tryPut(shop, { mesh: {}, authorities: [{ pem, state: "retired" }] });
    expect((await refused("would-empty-bundle", emptied)).body.pointer).toBe("/authorities/0/state");
  });

  it("that have expired since are still those that were registered", async () => {
    const pem = testCa({ trustDomain: shop.trustDomain, notAfter: Date.now() + 60_000 }).certificatePem;
    const document = { mesh: {}, authorities: [{ pem, state: "active" }] };
    await put(shop, document);
    broker.moveClock(120_000);
    try {
      expect(outcomes(await put(shop, document))).toEqual(["unchanged", "unchanged"]);
    } finally {
      broker.moveClock(0);
    }
  });

  it("are one certificate or key each, once, and never private (S8, S13)", async () => {
    const pem = caOf(shop);
    const of = (...authorities: object[]) => tryPut(shop, { mesh: {}, authorities });
    const pointerOf = async (answer: Promise<ApiAnswer>) => (await answer).body.pointer;
    expect(await pointerOf(refused("invalid-request", of({ pem }, { pem })))).toBe("/authorities/1");
    expect(await pointerOf(refused("invalid-pem", of({ pem: pem + caOf(shop) })))).toBe("/authorities/0/pem");
    const secret = testKey("p256").export({ format: "jwk" });
    const submitted = of({ pem }, { jwk: { ...secret, kid: "k" } });
    expect(await pointerOf(refused("private-key-submitted", submitted))).toMatch(/^\/authorities\/1\/jwk/);
    await refused("invalid-request", of({ pem, jwk: jwk("k") }));
    await refused("invalid-request", of({ state: "active" }));
  });

  it("R43: keep the `kid` under which they were registered", async () => {
    const key = jwk("one");
    const of = (kid: string) => ({ mesh: {}, authorities: [{ jwk: { ...key, kid } }] });
    await put(shop, of("one"));
    expect((await refused("authority-exists", tryPut(shop, of("two")))).body.pointer).toBe("/authorities/0/jwk/kid");
  });

  it("are refused to a mesh that is no granted member of its trust domain (S19)", async () => {
    const guest = await bareMesh(broker, `guest-${names}`, shop.trustDomain);
    const authorities = [{ pem: caOf(shop) }];
    const { body } = await refused("membership-pending", tryPut(guest, { mesh: {}, authorities }));
    expect(body.pointer).toBe("/authorities/0");
    await refused("not-found", tryPut(guest, { mesh: {}, trustDomain: { public: true } }));
    expect(await get(guest)).not.toHaveProperty("trustDomain");
  });
});

describe("federations in a mesh document", () => {
  const wants = (peer: BareMesh, more: object = {}) => ({ mesh: {}, federations: [{ peer: peer.meshId, ...more }] });
  const consent = (mesh: BareMesh, federationId: string, decision: string) =>
    expectStatus(
      200,
      broker.api("POST", `/v1/federations/${federationId}/consents`, {
        token: mesh.token,
        body: { meshId: mesh.meshId, decision },
      }),
    );

  it("of both sides make it active, whoever puts its document first", async () => {
    const [first] = (await put(shop, wants(bank))).federations;
    expect(first).toMatchObject({ state: "pending", outcome: "created" });
    const [second] = (await put(bank, wants(shop))).federations;
    expect(second).toEqual({ ...first, peer: shop.meshId, state: "active", outcome: "changed" });
    expect((await put(shop, wants(bank))).federations).toEqual([{ ...first, state: "active", outcome: "unchanged" }]);
  });

  it("consent to nothing but what they want: another proposal is answered with their own", async () => {
    const oneWay = { trust: [{ consumer: shop.meshId, provider: bank.meshId }] };
    await put(shop, wants(bank, oneWay));
    const [answered] = (await put(bank, wants(shop))).federations;
    expect(answered).toMatchObject({ state: "pending", outcome: "changed" });
    const [agreed] = (await put(shop, wants(bank))).federations;
    expect(agreed).toMatchObject({ state: "active", outcome: "changed" });
  });

  it("consent to what they name and no more: a direction that is named twice, or is another's, is refused (S20)", async () => {
    const proposal = { token: bank.token, body: { proposer: bank.meshId, peer: shop.meshId } };
    const { federationId } = (await expectStatus(201, broker.api("POST", "/v1/federations", proposal))).body;
    const d = { consumer: shop.meshId, provider: bank.meshId };
    const third = await bareMesh(broker, `third-${names}`);
    for (const trust of [[d, d], [{ ...d, provider: third.meshId }], [d, { ...d, consumer: third.meshId }], []]) {
      const answer = await tryPut(shop, { mesh: {}, federations: [{ peer: bank.meshId, trust }] });
      expect([answer.status, answer.body.code, answer.body.pointer]).toEqual([
        422,
        "invalid-terms",
        expect.stringMatching(/^\/federations\/0\/trust/),
      ]);
    }
    const { state } = (
      await expectStatus(200, broker.api("GET", `/v1/federations/${federationId}`, { token: shop.token }))
    ).body;
    expect(state).toBe("pending");
  });

  it("that were denied or withdrawn by the peer are left so, and the answer says it", async () => {
    const [{ federationId }] = (await put(shop, wants(bank))).federations;
    await consent(bank, federationId, "deny");
    expect((await put(shop, wants(bank))).federations).toEqual([
      { federationId, peer: bank.meshId, state: "denied", outcome: "unchanged" },
    ]);
  });

  it("that were asked for with other terms ask for them anew, and take back what is not wanted any more", async () => {
    await put(shop, wants(bank));
    const [{ federationId }] = (await put(bank, wants(shop))).federations;
    const terms = async () => (await broker.api("GET", `/v1/federations/${federationId}`, { token: shop.token })).body;
    const ends = { expiresAt: "2099-01-01T00:00:00.000Z" };
    await put(shop, wants(bank, ends));
    expect((await terms()).terms).toMatchObject(ends);
    await put(shop, wants(bank, { expiresAt: null }));
    expect((await terms()).proposal.terms).toMatchObject({ expiresAt: null });
    expect((await get(shop)).federations).toMatchObject([{ expiresAt: null }]);
    await put(shop, wants(bank, ends));
    expect((await terms()).proposal).toBeNull();
  });

  it("name each peer once, and not the mesh itself", async () => {
    const twice = { mesh: {}, federations: [{ peer: bank.meshId }, { peer: bank.meshId }] };
    expect((await refused("invalid-request", tryPut(shop, twice))).body.pointer).toBe("/federations/1");
    const itself = await refused("federation-with-itself", tryPut(shop, wants(shop)));
    expect(itself.body.pointer).toBe("/federations/0/peer");
  });
});

describe("who may, and how much", () => {
  it("S1: takes 1 MiB, which other bodies may not have, and no more", async () => {
    const padded = (length: number) => `${JSON.stringify({ mesh: { displayName: "large" } })}${" ".repeat(length)}`;
    const raw = (text: string) => broker.api("PUT", path(shop), { token: shop.token, raw: text });
    await expectStatus(200, raw(padded(1_000_000)));
    await refused("body-too-large", raw(padded(1_100_000)));
  });

  it("S16, S23: the mesh's admin puts it; others read it as they read the mesh", async () => {
    const as = (token: string, method: string) =>
      broker.api(method, path(shop), { token, ...(method === "PUT" ? { body: { mesh: {} } } : {}) });
    await refused("forbidden", as(broker.operatorToken, "PUT"));
    await refused("not-found", as(bank.token, "PUT"));
    await refused("not-found", as(bank.token, "GET"));
    await expectStatus(200, as(broker.operatorToken, "GET"));
  });
});
