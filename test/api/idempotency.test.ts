import { afterAll, describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/time.ts";
import { type ApiAnswer, expectStatus, registerMesh, runBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { events, invite, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const shop = await registerMesh(broker, "shop");
await registerMesh(broker, "bank");
const { token } = shop;

let keys = 0;
const newKey = () => `key-${++keys}`;
const post = (path: string, body: unknown, key: string, bearer = token): Promise<ApiAnswer> =>
  broker.api("POST", path, { token: bearer, body, headers: { "idempotency-key": key } });
const count = async (type: string) => (await events(broker, `limit=1000&type=${type}`)).length;

describe("L19: a request that is sent again under its Idempotency-Key", () => {
  it("is answered what the first was, and done once", async () => {
    const key = newKey();
    const body = { proposer: "shop", peer: "bank" };
    const first = await expectStatus(201, post("/v1/federations", body, key));
    const again = await expectStatus(201, post("/v1/federations", body, key));
    expect([again.text, again.headers.location]).toEqual([first.text, first.headers.location]);
    expect([first.headers["idempotency-replayed"], again.headers["idempotency-replayed"]]).toEqual([undefined, "true"]);
    expect(await count("federation.proposed")).toBe(1);
  });

  it("survives a restart, and is the caller's own: another's key is another key", async () => {
    const key = newKey();
    const body = { pem: testCa({ trustDomain: "shop.example" }).certificatePem };
    await expectStatus(201, post("/v1/meshes/shop/authorities", body, key));
    await refused("authority-exists", post("/v1/meshes/shop/authorities", body, newKey()));
    const other = await expectStatus(
      201,
      broker.api("POST", "/v1/tokens", { token, body: { name: "o", role: "mesh-admin", meshes: ["shop"] } }),
    );
    await refused("authority-exists", post("/v1/meshes/shop/authorities", body, key, other.body.token));
    await expectStatus(201, post("/v1/meshes/shop/authorities", body, key));
  });

  it("with another body or query is refused", async () => {
    const key = newKey();
    await expectStatus(201, post("/v1/tokens", { name: "a", role: "mesh-viewer", meshes: ["shop"] }, key));
    await refused(
      "idempotency-key-reused",
      post("/v1/tokens", { name: "b", role: "mesh-viewer", meshes: ["shop"] }, key),
    );
  });

  it("a dry run is no replay, and is not replayed: it says what would happen now", async () => {
    const key = newKey();
    const body = { name: "tried", role: "mesh-viewer", meshes: ["shop"] };
    const tried = await expectStatus(200, post("/v1/tokens?dryRun=true", body, key));
    expect(tried.body).toMatchObject({ dryRun: true, answer: { name: "tried" } });
    await expectStatus(201, post("/v1/tokens", body, key));
    const again = await expectStatus(200, post("/v1/tokens?dryRun=true", body, key));
    expect(again.headers["idempotency-replayed"]).toBeUndefined();
    expect(again.body.dryRun).toBe(true);
  });

  it("a refusal had no effect and is not remembered", async () => {
    const key = newKey();
    const body = { name: "later", role: "mesh-viewer", meshes: ["absent"] };
    await refused("not-found", post("/v1/tokens", body, key));
    await expectStatus(201, post("/v1/tokens", { ...body, meshes: ["shop"] }, key));
  });

  it("while the first is under way is told to wait, or gets its answer", async () => {
    const key = newKey();
    const body = { name: "race", replicas: 1 };
    const answers = await Promise.all(Array.from({ length: 8 }, () => post("/v1/meshes/shop/pollers", body, key)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const { status, body: said, headers } of answers.filter((answer) => answer.status !== 201)) {
      expect(status).toBe(409);
      expect(["idempotency-key-in-use", "secret-already-shown"]).toContain(said.code);
      if (said.code === "idempotency-key-in-use") expect(headers["retry-after"]).toBe("1");
    }
  });

  it("after 24 hours is a new request", async () => {
    const key = newKey();
    const body = { name: "old", role: "mesh-viewer", meshes: ["shop"] };
    const first = await expectStatus(201, post("/v1/tokens", body, key));
    broker.moveClock(DAY_MS + 1000);
    const second = await expectStatus(201, post("/v1/tokens", body, key));
    broker.moveClock(0);
    expect(second.body.tokenId).not.toBe(first.body.tokenId);
  });

  it("under a key that is none is refused", async () => {
    for (const key of ["a b", "x".repeat(129)])
      await refused("invalid-request", post("/v1/tokens", { name: "k", role: "mesh-viewer", meshes: ["shop"] }, key));
  });
});

describe("what was shown once", () => {
  it("is not shown again: 409 names the resource, and the database holds no secret", async () => {
    const cases = [
      ["/v1/tokens", { name: "s", role: "mesh-viewer", meshes: ["shop"] }, token, "tokenId"],
      ["/v1/meshes/shop/pollers", { name: "once" }, token, "pollerId"],
      ["/v1/invitations", { trustDomain: "new.example" }, broker.operatorToken, "invitationId"],
    ] as const;
    for (const [path, body, bearer, of] of cases) {
      const key = newKey();
      const first = await expectStatus(201, post(path, body, key, bearer));
      const again = await refused("secret-already-shown", post(path, body, key, bearer));
      expect(again.body[of]).toBe(first.body[of]);
      expect(again.text).not.toContain(first.body.token);
    }
  });

  it("to the bearer of an invitation: another first token, while the first was never used, which ends", async () => {
    const invitation = (await invite(broker, { trustDomain: "late.example" })).body.token;
    const key = newKey();
    const body = { meshId: "late", trustDomain: "late.example" };
    const first = await expectStatus(201, post("/v1/meshes", body, key, invitation));
    const second = await expectStatus(201, post("/v1/meshes", body, key, invitation));
    expect(second.body.token).not.toBe(first.body.token);
    await refused("unauthenticated", broker.api("GET", "/v1/meshes/late", { token: first.body.token }));
    await expectStatus(200, broker.api("GET", "/v1/meshes/late", { token: second.body.token }));
    const again = await refused("secret-already-shown", post("/v1/meshes", body, key, invitation));
    expect(again.body.meshId).toBe("late");
  });

  it("an invitation that got into other hands is revoked after it was spent, and then answers no replay", async () => {
    const { token: invitation, invitationId } = (await invite(broker, { trustDomain: "leaked.example" })).body;
    const key = newKey();
    const body = { meshId: "leaked", trustDomain: "leaked.example" };
    const first = await expectStatus(201, post("/v1/meshes", body, key, invitation));
    const revoke = () => broker.api("DELETE", `/v1/invitations/${invitationId}`, { token: broker.operatorToken });
    await expectStatus(200, revoke());
    await refused("unauthenticated", post("/v1/meshes", body, key, invitation));
    await refused("already-ended", revoke());
    await expectStatus(200, broker.api("GET", "/v1/meshes/leaked", { token: first.body.token }));
  });

  it("a spent invitation is good for nothing else", async () => {
    const invitation = (await invite(broker, { trustDomain: "spent.example" })).body.token;
    const key = newKey();
    await expectStatus(201, post("/v1/meshes", { meshId: "spent", trustDomain: "spent.example" }, key, invitation));
    const other = { meshId: "spent-2", trustDomain: "spent.example" };
    await refused("unauthenticated", post("/v1/meshes", other, newKey(), invitation));
    await refused("idempotency-key-reused", post("/v1/meshes", other, key, invitation));
    await refused("unauthenticated", broker.api("POST", "/v1/meshes", { token: invitation, body: other }));
  });
});
