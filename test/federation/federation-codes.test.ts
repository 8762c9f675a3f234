import { crc32 } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { bytesButRequestId, events, idOf, recordedBy, refused, UNLIMITED } from "../api/api-fixture.ts";
import { type ApiAnswer, expectStatus, registerMesh, runBroker, type TestMesh } from "../support/running-broker.ts";
import { decide, joinMesh, propose, readFederation, served, twoMeshes } from "./federation-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());

const makeCode = (mesh: TestMesh, body: object = {}): Promise<ApiAnswer> =>
  broker.api("POST", `/v1/meshes/${mesh.meshId}/federation-codes`, { token: mesh.token, body });
const codeOf = async (mesh: TestMesh, body: object = {}): Promise<ApiAnswer["body"]> =>
  (await expectStatus(201, makeCode(mesh, body))).body;
const readCode = async (mesh: TestMesh, codeId: string): Promise<ApiAnswer["body"]> =>
  (
    await expectStatus(
      200,
      broker.api("GET", `/v1/meshes/${mesh.meshId}/federation-codes/${codeId}`, { token: mesh.token }),
    )
  ).body;
const revoke = (mesh: TestMesh, codeId: string) =>
  broker.api("DELETE", `/v1/meshes/${mesh.meshId}/federation-codes/${codeId}`, { token: mesh.token });
/** `mesh` proposes with a code and whatever else. */
const proposeWith = (mesh: TestMesh, code: string, more: object = {}, token = mesh.token): Promise<ApiAnswer> =>
  broker.api("POST", "/v1/federations", { token, body: { proposer: mesh.meshId, code, ...more } });

describe("a federation code", () => {
  it("is shown once, hashed at rest, and lives for 7 days unless told otherwise (S24)", async () => {
    const { bank } = await twoMeshes(broker);
    const { code, codeId, createdAt, expiresAt, ...made } = await codeOf(bank, { reason: "for the shop" });
    expect(code).toMatch(/^ent_fdc_[0-9A-Za-z]{22}_[0-9A-Za-z]{43}_[0-9a-f]{8}$/);
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(7 * 24 * 3_600_000);
    expect(made).toEqual({
      meshId: bank.meshId,
      state: "open",
      trust: null,
      federationExpiresAt: null,
      reason: "for the shop",
      createdBy: idOf(bank.token),
      revokedAt: null,
      spentAt: null,
      spentBy: null,
      federationId: null,
    });
    expect(await readCode(bank, codeId)).toEqual({ ...made, codeId, createdAt, expiresAt });
    const list = `/v1/meshes/${bank.meshId}/federation-codes`;
    const listed = await expectStatus(200, broker.api("GET", list, { token: bank.token }));
    expect(listed.body.federationCodes).toEqual([{ ...made, codeId, createdAt, expiresAt }]);
    const month = 30 * 86_400;
    const longest = await codeOf(bank, { expiresInSeconds: month });
    expect(Date.parse(longest.expiresAt) - Date.parse(longest.createdAt)).toBe(month * 1_000);
    await refused("invalid-request", makeCode(bank, { expiresInSeconds: month + 1 }));
    await refused("invalid-terms", makeCode(bank, { federationExpiresAt: "2020-01-01T00:00:00Z" }));
  });

  it("makes the federation active at once when the proposer's own admin proposes with it", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const { code, codeId } = await codeOf(bank);
    const { body } = await expectStatus(201, proposeWith(shop, code));
    expect(body).toMatchObject({ state: "active", proposer: shop.meshId });
    const consents = body.consents.map(({ meshId, decision, termsDigest }: ApiAnswer["body"]) => [
      meshId,
      decision,
      termsDigest,
    ]);
    const { termsDigest } = body.terms;
    expect(consents).toEqual([
      [bank.meshId, "granted", termsDigest],
      [shop.meshId, "granted", termsDigest],
    ]);
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
    expect(await served(broker, shop, bank.trustDomain)).toBe("bundle");
    const spent = { state: "spent", spentBy: shop.meshId, federationId: body.federationId };
    expect(await readCode(bank, codeId)).toMatchObject(spent);
  });

  it("is the way to a mesh that is not listed", async () => {
    const shop = await registerMesh(broker, "seeker");
    const hidden = await registerMesh(broker, "hidden", { mesh: { listed: false } });
    await refused("not-found", propose(broker, shop.token, shop.meshId, hidden.meshId));
    const { code } = await codeOf(hidden);
    const { body } = await expectStatus(201, proposeWith(shop, code, { peer: hidden.meshId }));
    expect(body.state).toBe("active");
  });

  it("consents for its own side alone: an operator's proposal waits for the proposer (S23)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const { code } = await codeOf(bank);
    const { body } = await expectStatus(201, proposeWith(shop, code, {}, broker.operatorToken));
    expect(body.state).toBe("pending");
    const granted = await expectStatus(200, decide(broker, shop, body.federationId, "grant"));
    expect(granted.body.state).toBe("active");
  });

  it("binds its terms: others are refused with what it allows, and a proposal without takes them", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationExpiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const { code, codeId } = await codeOf(bank, { trust: ["provider"], federationExpiresAt });
    const shopTrusts = { consumer: shop.meshId, provider: bank.meshId };
    const bankTrusts = { consumer: bank.meshId, provider: shop.meshId };
    const trust = await refused("invalid-terms", proposeWith(shop, code, { trust: [shopTrusts, bankTrusts] }));
    expect(trust.body).toMatchObject({ pointer: "/trust", allowed: { trust: [shopTrusts] } });
    const later = new Date(Date.now() + 7_200_000).toISOString();
    const end = await refused("invalid-terms", proposeWith(shop, code, { expiresAt: later }));
    expect(end.body).toMatchObject({ pointer: "/expiresAt", allowed: { expiresAt: federationExpiresAt } });
    expect(await readCode(bank, codeId)).toMatchObject({ state: "open" });
    const { body } = await expectStatus(201, proposeWith(shop, code));
    expect(body).toMatchObject({ state: "active", terms: { trust: [shopTrusts], expiresAt: federationExpiresAt } });
    expect(await served(broker, shop, bank.trustDomain)).toBe("bundle");
    expect(await served(broker, bank, shop.trustDomain)).toBe(404);
  });

  it("is spent by the proposal that succeeds, once: not by one that is refused, nor by a dry run", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const other = await registerMesh(broker, `${shop.meshId}-too`);
    const { code, codeId } = await codeOf(bank);
    await refused("federation-with-itself", proposeWith(bank, code));
    const dry = broker.api("POST", "/v1/federations?dryRun=true", {
      token: shop.token,
      body: { proposer: shop.meshId, code },
    });
    expect((await expectStatus(200, dry)).body).toMatchObject({ dryRun: true, answer: { state: "active" } });
    expect(await readCode(bank, codeId)).toMatchObject({ state: "open" });
    const raced = await Promise.all([proposeWith(shop, code), proposeWith(other, code), proposeWith(shop, code)]);
    expect(raced.map(({ status }) => status).sort()).toEqual([201, 403, 403]);
    const both = await broker.api("GET", "/v1/federations", { token: bank.token });
    expect(both.body.federations).toHaveLength(1);
  });

  it("one answer to every code that does not hold, the same bytes", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const leaver = await registerMesh(broker, `${bank.meshId}-leaver`);
    const spent = await codeOf(bank);
    await expectStatus(201, proposeWith(leaver, spent.code));
    const revoked = await codeOf(bank);
    await expectStatus(200, revoke(bank, revoked.codeId));
    const expired = await codeOf(bank, { expiresInSeconds: 1 });
    const gone = await codeOf(leaver);
    const left = broker.api("DELETE", `/v1/meshes/${leaver.meshId}?withdraw=true`, { token: leaver.token });
    await expectStatus(200, left);
    const open = await codeOf(bank);
    const forged = open.code.split("_").with(3, spent.code.split("_")[3]).slice(0, -1).join("_");
    const wrongSecret = `${forged}_${crc32(forged).toString(16).padStart(8, "0")}`;
    await new Promise((resolve) => setTimeout(resolve, Date.parse(expired.expiresAt) - Date.now() + 1));
    const answers = [];
    const codes = [spent.code, revoked.code, expired.code, gone.code, wrongSecret, "nonsense", shop.token];
    for (const code of codes) answers.push(await refused("federation-code-invalid", proposeWith(shop, code)));
    answers.push(await refused("federation-code-invalid", proposeWith(shop, open.code, { peer: "somebody-else" })));
    expect(new Set(answers.map(bytesButRequestId)).size).toBe(1);
    await expectStatus(201, proposeWith(shop, open.code));
  });

  it("is of a granted member: one whose owner has not granted it makes none, and one that was expelled is bound by none", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const body = { meshId: `${bank.meshId}-tenant`, decision: "grant" };
    const decideMember = (decision: string) =>
      broker.api("POST", `/v1/trust-domains/${bank.trustDomain}/memberships`, {
        token: bank.token,
        body: { ...body, decision },
      });
    const { token, meshId } = await joinMesh(broker, body.meshId, bank, { granted: false });
    const make = () => broker.api("POST", `/v1/meshes/${meshId}/federation-codes`, { token, body: {} });
    await refused("membership-pending", make());
    await expectStatus(200, decideMember("grant"));
    const { code } = (await expectStatus(201, make())).body;
    await expectStatus(200, decideMember("expel"));
    await refused("federation-code-invalid", proposeWith(shop, code));
  });

  it("revoking ends what is open, and tells of what has ended", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const { code, codeId } = await codeOf(bank);
    await expectStatus(200, revoke(bank, codeId));
    expect(await readCode(bank, codeId)).toMatchObject({ state: "revoked" });
    await refused("already-ended", revoke(bank, codeId));
    const spent = await codeOf(bank);
    const { federationId } = (await expectStatus(201, proposeWith(shop, spent.code))).body;
    const { body } = await refused("already-ended", revoke(bank, spent.codeId));
    expect([body.federationId, body.detail]).toEqual([federationId, expect.stringContaining("withdraw")]);
    await refused("federation-code-invalid", proposeWith(shop, code));
  });

  it("opens nothing else: as a bearer it is no credential", async () => {
    const { bank } = await twoMeshes(broker);
    const { code } = await codeOf(bank);
    await refused("unauthenticated", broker.api("GET", "/v1/federations", { token: code }));
  });

  it("a key that made one is answered with its ID, not with the secret again (L19)", async () => {
    const { bank } = await twoMeshes(broker);
    const path = `/v1/meshes/${bank.meshId}/federation-codes`;
    const again = () =>
      broker.api("POST", path, { token: bank.token, body: {}, headers: { "idempotency-key": "one-code" } });
    const { body } = await expectStatus(201, again());
    expect((await refused("secret-already-shown", again())).body.codeId).toBe(body.codeId);
  });

  it("a proposal names the other mesh, or has a code that does", async () => {
    const { shop } = await twoMeshes(broker);
    const body = { proposer: shop.meshId };
    const answer = await refused("invalid-request", broker.api("POST", "/v1/federations", { token: shop.token, body }));
    expect(answer.body.pointer).toBe("/peer");
  });
});

describe("what the audit trail says of a code", () => {
  it("to its own side that the code consented, and which token made it; to the other that the mesh did (S21)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const { code, codeId } = await codeOf(bank);
    const maker = idOf(bank.token);
    let federationId = "";
    const recorded = await recordedBy(broker, async () => {
      federationId = (await expectStatus(201, proposeWith(shop, code))).body.federationId;
    });
    expect(recorded.map(({ type }) => type).slice(0, 4)).toEqual([
      "federation.proposed",
      "federation.granted",
      "federation.terms-agreed",
      "federation-code.spent",
    ]);
    const mine = await broker.api("GET", "/v1/audit-events?limit=100", { token: bank.token });
    for (const told of ["federation.granted", "federation.terms-agreed"])
      expect(mine.body.events.find(({ type }: ApiAnswer["body"]) => type === told)).toMatchObject({
        meshId: bank.meshId,
        actor: { kind: "federation-code", id: codeId },
        source: null,
        requestId: null,
        detail: { codeId, madeBy: maker },
      });
    const spent = mine.body.events.find(({ type }: ApiAnswer["body"]) => type === "federation-code.spent");
    expect(spent).toMatchObject({ detail: { spentBy: shop.meshId, madeBy: maker }, source: null });
    expect(mine.text).not.toContain(idOf(shop.token));

    const theirs = await broker.api("GET", "/v1/audit-events?limit=100", { token: shop.token });
    expect(theirs.text).not.toContain(codeId);
    expect(theirs.text).not.toContain(maker);
    const seen = theirs.body.events.find(({ type }: ApiAnswer["body"]) => type === "federation.granted");
    expect(seen).toMatchObject({ meshId: bank.meshId, actor: null, detail: null });
    expect((await readFederation(broker, shop, federationId)).text).not.toContain(codeId);
  });

  it("and never the code itself: not in an event, an error or the log (S33, S69)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const { code } = await codeOf(bank);
    const secret = code.split("_")[3];
    const answers = [await proposeWith(bank, code), await proposeWith(shop, `${code}0`), await proposeWith(shop, code)];
    answers.push(
      await proposeWith(shop, code),
      await broker.api("GET", `/v1/federations/${code}`, { token: shop.token }),
    );
    for (const { text } of answers) expect(text).not.toContain(secret);
    expect(JSON.stringify(await events(broker, "limit=100"))).not.toContain(secret);
    expect(broker.log()).not.toContain(secret);
  });

  it("what it did is told: made, spent, revoked, with the mesh that goes too", async () => {
    const leaver = await registerMesh(broker, "short-lived");
    const recorded = await recordedBy(broker, async () => {
      await codeOf(leaver);
      await revoke(leaver, (await codeOf(leaver)).codeId);
      await expectStatus(200, broker.api("DELETE", "/v1/meshes/short-lived", { token: leaver.token }));
    });
    const told = recorded.filter(({ type }) => type.startsWith("federation-code."));
    const kinds = ["created", "created", "revoked", "revoked"].map((kind) => `federation-code.${kind}`);
    expect(told.map(({ type }) => type)).toEqual(kinds);
    for (const { subjects } of told) expect(subjects).toContain("mesh/short-lived");
  });
});

describe("limits", () => {
  const small = async () => {
    const running = await runBroker({
      ...UNLIMITED,
      ENTENTE_LIMITS_FAILED_LOGINS_PER_MINUTE: "3",
      ENTENTE_LIMITS_FEDERATION_CODES_PER_MESH: "2",
    });
    return Object.assign(running, { [Symbol.asyncDispose]: () => running.remove() });
  };

  it("S22: a mesh has so many open codes; one that has ended makes room", async () => {
    await using strict = await small();
    const bank = await registerMesh(strict, "bank");
    const make = () => strict.api("POST", "/v1/meshes/bank/federation-codes", { token: bank.token, body: {} });
    const { body } = await expectStatus(201, make());
    await expectStatus(201, make());
    expect((await refused("quota-exceeded", make())).body.quota).toBe("limits.federationCodesPerMesh");
    const revoked = strict.api("DELETE", `/v1/meshes/bank/federation-codes/${body.codeId}`, { token: bank.token });
    await expectStatus(200, revoked);
    await expectStatus(201, make());
    await refused("quota-exceeded", make());
  });

  it("S28: guesses are held against the address they come from, as refused credentials are", async () => {
    await using strict = await small();
    const shop = await registerMesh(strict, "shop");
    const body = { proposer: "shop", code: "nonsense" };
    const guess = () => strict.api("POST", "/v1/federations", { token: shop.token, body });
    for (let count = 0; count < 3; count += 1) await refused("federation-code-invalid", guess());
    const stopped = await refused("too-many-requests", guess());
    expect(Number(stopped.headers["retry-after"])).toBeGreaterThan(0);
  });
});
