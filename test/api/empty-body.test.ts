import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registerMesh, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";

describe("a request that says it is JSON and has no body", () => {
  let broker: TestBroker;
  let shop: TestMesh;
  const asJson = { "content-type": "application/json" };

  beforeAll(async () => {
    broker = await runBroker();
    shop = await registerMesh(broker, "shop");
  });
  afterAll(() => broker.remove());

  it("is taken where the operation has no body, since clients send the header with everything", async () => {
    const path = `/v1/meshes/shop/pollers/${shop.pollerId}`;
    const { status, body } = await broker.api("DELETE", path, { token: shop.token, headers: asJson });
    expect({ status, pollerId: body.pollerId }).toEqual({ status: 200, pollerId: shop.pollerId });
  });

  it.each(["with", "without"])("is one of {} where nothing must be said, %s the header", async (header) => {
    const { body: made } = await broker.api("POST", "/v1/meshes/shop/pollers", {
      token: shop.token,
      body: { name: header },
    });
    const path = `/v1/meshes/shop/pollers/${made.pollerId}/rotations`;
    const headers = header === "with" ? asJson : {};
    for (const call of [{ headers }, { headers, body: {} }])
      expect((await broker.api("POST", path, { token: shop.token, ...call })).status).toBe(200);
    const key = { "idempotency-key": header };
    const first = await broker.api("POST", path, { token: shop.token, headers: { ...headers, ...key } });
    const again = await broker.api("POST", path, { token: shop.token, body: {}, headers: key });
    expect([first.status, again.body.code]).toEqual([200, "secret-already-shown"]);
  });

  it("is told that it has none where something must be said", async () => {
    const { body } = await broker.api("POST", "/v1/meshes/shop/pollers", { token: shop.token });
    expect(body).toMatchObject({ code: "invalid-request", detail: "the request has no body" });
  });

  it("is no JSON where it has one (S2)", async () => {
    const call = { token: shop.token, raw: "" };
    const { status, body } = await broker.api("POST", "/v1/meshes/shop/pollers", call);
    expect({ status, code: body.code }).toEqual({ status: 400, code: "invalid-json" });
  });
});
