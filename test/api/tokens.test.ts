import { afterAll, describe, expect, it } from "vitest";
import { newSecret } from "../../src/features/access/secret.ts";
import { systemRandomness } from "../../src/randomness.ts";
import { DAY_MS } from "../../src/time.ts";
import { expectStatus, registerMesh, runBroker } from "../support/running-broker.ts";
import { bareMesh, bytesButRequestId, idOf, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const operator = broker.operatorToken;

const make = (token: string, body: object) =>
  broker.api("POST", "/v1/tokens", { token, body: { name: "test", ...body } });
const made = async (token: string, body: object) => (await expectStatus(201, make(token, body))).body;
const revoke = (token: string, tokenId: string) => broker.api("DELETE", `/v1/tokens/${tokenId}`, { token });
const whoami = (token: string) => broker.api("GET", "/v1/tokens", { token });
const adminOf = async (meshId: string) => (await bareMesh(broker, meshId)).token;

describe("S23: no token makes one of wider rights", () => {
  it("an admin makes admins and viewers of its own meshes, and of no others", async () => {
    const a = await adminOf("own-a");
    await adminOf("own-b");
    for (const role of ["mesh-admin", "mesh-viewer"])
      expect(await made(a, { role, meshes: ["own-a"] })).toMatchObject({ role, meshes: ["own-a"] });
    const foreign = await refused("not-found", make(a, { role: "mesh-viewer", meshes: ["own-a", "own-b"] }));
    expect(foreign.body.pointer).toBe("/meshes/1");
    const absent = await refused("not-found", make(a, { role: "mesh-viewer", meshes: ["own-a", "absent"] }));
    expect(bytesButRequestId(foreign)).toBe(bytesButRequestId(absent));
    for (const role of ["operator", "auditor"]) await refused("wider-rights", make(a, { role }));
  });

  it("a viewer and an auditor make none", async () => {
    const admin = await adminOf("viewed");
    const viewer = await made(admin, { role: "mesh-viewer", meshes: ["viewed"] });
    const auditor = await made(operator, { role: "auditor" });
    for (const { token } of [viewer, auditor])
      for (const body of [{ role: "mesh-viewer", meshes: ["viewed"] }, { role: "auditor" }])
        await refused("forbidden", make(token, body));
  });

  it("an operator makes a mesh's first mesh-admin token, and none while one is valid", async () => {
    const body = { meshId: "managed", trustDomain: "managed.example" };
    await expectStatus(201, broker.api("POST", "/v1/meshes", { token: operator, body }));
    const first = await made(operator, { role: "mesh-admin", meshes: ["managed"] });
    const second = await refused("admin-token-exists", make(operator, { role: "mesh-admin", meshes: ["managed"] }));
    expect(second.body.pointer).toBe("/role");
    await made(first.token, { role: "mesh-admin", meshes: ["managed"] });
    await adminOf("joined");
    await refused("admin-token-exists", make(operator, { role: "mesh-admin", meshes: ["joined"] }));
    const fresh = { meshId: "fresh", trustDomain: "fresh.example" };
    await expectStatus(201, broker.api("POST", "/v1/meshes", { token: operator, body: fresh }));
    await refused("admin-token-exists", make(operator, { role: "mesh-admin", meshes: ["fresh", "joined"] }));
    for (const role of ["operator", "auditor"]) await made(operator, { role });
    await made(operator, { role: "mesh-viewer", meshes: ["joined"] });
  });

  it("a role names meshes where it speaks for some, and only there", async () => {
    for (const body of [
      { role: "mesh-admin" },
      { role: "mesh-viewer", meshes: [] },
      { role: "operator", meshes: ["x"] },
      { role: "root" },
      { role: "auditor", expiresInSeconds: 0 },
    ]) {
      const { status, body: problem } = await make(operator, body);
      expect([status, problem.code]).toEqual(body.meshes?.[0] === "x" ? [404, "not-found"] : [400, "invalid-request"]);
    }
  });
});

describe("S24, S25: a bearer is known by its secret and nothing else", () => {
  it("has the form ent_tok_<id>_<43 base62>_<crc32>", () => {
    expect(operator).toMatch(/^ent_tok_[0-9A-Za-z]{22}_[0-9A-Za-z]{43}_[0-9a-f]{8}$/);
  });

  it("unknown, malformed, mistyped, another's secret, a poller's: one answer, same bytes but the request ID", async () => {
    const mesh = await registerMesh(broker, "polled");
    const [, , id, secret] = mesh.token.split("_") as [string, string, string, string];
    const unknown = newSecret(systemRandomness, "tok").text;
    const mixed = newSecret(systemRandomness, "tok").text.replace(/^ent_tok_\w{22}/, `ent_tok_${id}`);
    const bearers = [unknown, mixed, `${mesh.token}x`, mesh.token.slice(0, -1), secret, mesh.pollerToken, "", "a b"];
    const headers = [
      ...bearers.map((bearer) => ({ authorization: `Bearer ${bearer}` })),
      { authorization: `Basic ${Buffer.from(`${mesh.token}:`).toString("base64")}` },
      { authorization: mesh.token },
      { "x-api-key": mesh.token },
      { cookie: `token=${mesh.token}` },
      {},
    ];
    const answers = [];
    for (const one of headers)
      answers.push(await broker.api("GET", "/v1/meshes", { headers: one as Record<string, string> }));
    for (const { headers: told } of answers) expect(told["www-authenticate"]).toBe('Bearer realm="entente"');
    expect(new Set(answers.map(bytesButRequestId)).size).toBe(1);
    await refused("unauthenticated", broker.api("GET", `/v1/meshes?access_token=${mesh.token}`));
    expect((await broker.pollWeb(`/p/${mesh.token}/polled.example`)).status).toBe(404);
  });

  it("S28: the 21st refusal of an address in a minute is 429 with Retry-After, before the credential is looked at", async () => {
    const strict = await runBroker();
    try {
      for (let n = 0; n < 20; n += 1)
        await refused("unauthenticated", strict.api("GET", "/v1/meshes", { token: "wrong" }));
      const { headers } = await refused("too-many-requests", strict.api("GET", "/v1/meshes", { token: "wrong" }));
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
      expect((await strict.api("GET", "/livez")).status).toBe(200);
    } finally {
      await strict.remove();
    }
  });

  it("S28: a token that has held before goes on from that address, and ends with its revocation all the same", async () => {
    const strict = await runBroker();
    try {
      const { token } = await bareMesh(strict, "neighbour");
      const body = { name: "test", role: "mesh-viewer", meshes: ["neighbour"] };
      const { body: mine } = await expectStatus(201, strict.api("POST", "/v1/tokens", { token, body }));
      const ask = () => strict.api("GET", "/v1/meshes/neighbour", { token: mine.token });
      await expectStatus(200, ask());
      for (let n = 0; n < 20; n += 1)
        await refused("unauthenticated", strict.api("GET", "/v1/meshes", { token: "wrong" }));
      await refused("too-many-requests", strict.api("GET", "/v1/meshes", { token: "wrong" }));
      await expectStatus(200, ask());
      await expectStatus(200, strict.api("DELETE", `/v1/tokens/${mine.tokenId}`, { token }));
      await refused("unauthenticated", ask());
      await refused("too-many-requests", ask());
    } finally {
      await strict.remove();
    }
  });

  it("S22: a token that asks faster than its limit is told to wait; another token is not", async () => {
    const strict = await runBroker({ ENTENTE_LIMITS_REQUEST_BURST: "3", ENTENTE_LIMITS_REQUESTS_PER_SECOND: "1" });
    try {
      const { token } = await bareMesh(strict, "eager");
      for (let n = 0; n < 3; n += 1) await expectStatus(200, strict.api("GET", "/v1/meshes", { token }));
      const { headers } = await refused("too-many-requests", strict.api("GET", "/v1/meshes", { token }));
      expect(headers["retry-after"]).toBe("1");
      await expectStatus(200, strict.api("GET", "/v1/meshes", { token: strict.operatorToken }));
    } finally {
      await strict.remove();
    }
  });
});

describe("S26: a token's life", () => {
  it("is 90 days, or what was asked up to 366 days, whatever the creator's remaining life", async () => {
    const admin = await adminOf("lives");
    const lifeOf = ({ createdAt, expiresAt }: { createdAt: string; expiresAt: string }) =>
      (Date.parse(expiresAt) - Date.parse(createdAt)) / DAY_MS;
    const asked = { role: "mesh-admin", meshes: ["lives"] };
    expect(lifeOf(await made(admin, asked))).toBe(90);
    const short = await made(admin, { ...asked, expiresInSeconds: 3_600 });
    expect(lifeOf(await made(short.token, { ...asked, expiresInSeconds: 366 * 86_400 }))).toBe(366);
    const { body } = await refused("invalid-request", make(admin, { ...asked, expiresInSeconds: 366 * 86_400 + 1 }));
    expect(body.pointer).toBe("/expiresInSeconds");
  });

  it("ends by the clock, and comes back where the clock goes back", async () => {
    const admin = await adminOf("clocked");
    const { token } = await made(admin, { role: "mesh-viewer", meshes: ["clocked"], expiresInSeconds: 60 });
    await expectStatus(200, whoami(token));
    try {
      broker.moveClock(60_001);
      await refused("unauthenticated", whoami(token));
      await expectStatus(200, whoami(admin));
    } finally {
      broker.moveClock(0);
    }
    await expectStatus(200, whoami(token));
  });

  it("of a mesh's admin is not an operator's to revoke, which would let it make the first one anew (S23, decision 9)", async () => {
    const admin = await adminOf("keeps-its-own");
    await refused("forbidden", revoke(operator, idOf(admin)));
    await refused("admin-token-exists", make(operator, { role: "mesh-admin", meshes: ["keeps-its-own"] }));
    await expectStatus(200, broker.api("GET", "/v1/meshes/keeps-its-own", { token: admin }));
  });

  it("ends at once when it is revoked, once, by its own mesh's admin or an operator", async () => {
    const admin = await adminOf("revoker");
    const viewer = await made(admin, { role: "mesh-viewer", meshes: ["revoker"] });
    await refused("forbidden", revoke(viewer.token, viewer.tokenId));
    await expectStatus(200, revoke(admin, viewer.tokenId));
    await refused("unauthenticated", whoami(viewer.token));
    await refused("already-ended", revoke(admin, viewer.tokenId));
    const other = await adminOf("revoker-2");
    const foreign = await refused("not-found", revoke(other, viewer.tokenId));
    expect(bytesButRequestId(foreign)).toBe(bytesButRequestId(await revoke(other, "tok_absent")));
    const auditor = await made(operator, { role: "auditor" });
    await expectStatus(200, revoke(operator, auditor.tokenId));
    await refused("unauthenticated", whoami(auditor.token));
    await refused("not-found", revoke(admin, auditor.tokenId));
  });

  it("S23: an admin token that also speaks for another's mesh is not this mesh's admin's to revoke", async () => {
    for (const meshId of ["pair-a", "pair-b"])
      await expectStatus(
        201,
        broker.api("POST", "/v1/meshes", { token: operator, body: { meshId, trustDomain: `${meshId}.example` } }),
      );
    const both = await made(operator, { role: "mesh-admin", meshes: ["pair-a", "pair-b"] });
    const one = await made(both.token, { role: "mesh-admin", meshes: ["pair-a"] });
    const { body } = await refused("wider-rights", revoke(one.token, both.tokenId));
    expect(body.detail).toMatch(/only an admin of all its meshes revokes it.*an operator can suspend your mesh/);
    await expectStatus(200, revoke(both.token, one.tokenId));
  });

  it("S23: one that only reads is revoked by the admin of any of its meshes, and by no other's", async () => {
    const [a, b, other] = [await adminOf("read-a"), await adminOf("read-b"), await adminOf("read-c")];
    const viewer = await made(operator, { role: "mesh-viewer", meshes: ["read-a", "read-b"] });
    await refused("not-found", revoke(other, viewer.tokenId));
    await expectStatus(200, revoke(a, viewer.tokenId));
    await refused("unauthenticated", whoami(viewer.token));
    await refused("already-ended", revoke(b, viewer.tokenId));
  });

  it("is listed and read without its secret, with its last use", async () => {
    const passing = await runBroker(UNLIMITED);
    try {
      const { token } = await bareMesh(passing, "used");
      const before = await expectStatus(200, passing.api("GET", "/v1/tokens", { token }));
      expect(before.text).not.toContain("ent_tok_");
      const again = await passing.restart();
      const { body } = await again.api("GET", `/v1/tokens/${before.body.tokens[0].tokenId}`, { token });
      expect(Date.parse(body.lastUsedAt)).toBeGreaterThanOrEqual(Date.parse(body.createdAt));
      expect(Date.parse(body.lastUsedAt)).toBeLessThanOrEqual(Date.now());
      await again.remove();
    } finally {
      await passing.remove();
    }
  });
});

describe("S27: the first operator token", () => {
  it("is made once, not again at a later start", async () => {
    const first = await runBroker();
    const { operatorToken } = first;
    const again = await first.restart();
    expect(again.operatorToken).toBe(operatorToken);
    const { body } = await expectStatus(200, again.api("GET", "/v1/tokens", { token: operatorToken }));
    expect(body.tokens).toHaveLength(1);
    expect(Date.parse(body.tokens[0].expiresAt) - Date.parse(body.tokens[0].createdAt)).toBe(90 * DAY_MS);
    await again.remove();
  });
});
