import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawConnection } from "../support/raw-connection.ts";
import { registerMesh, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";

let broker: TestBroker;
let shop: TestMesh;
beforeAll(async () => {
  broker = await runBroker();
  shop = await registerMesh(broker, "shop");
});
afterAll(() => broker.remove());

describe("a request that says it is JSON and has no body", () => {
  const asJson = { "content-type": "application/json" };

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

describe("a body of no bytes has no type, whatever its header says", () => {
  it.each(["application/x-www-form-urlencoded", "no type", ""])("%j", async (type) => {
    const call = { token: shop.token, raw: "", headers: { "content-type": type } };
    const made = await broker.api("POST", "/v1/meshes/shop/pollers", {
      token: shop.token,
      body: { name: `type ${type}.` },
    });
    const path = `/v1/meshes/shop/pollers/${made.body.pollerId}`;
    expect((await broker.api("POST", `${path}/rotations`, call)).status).toBe(200);
    expect((await broker.api("DELETE", path, call)).status).toBe(200);
  });

  it("but of one byte it is looked at (S5)", async () => {
    const path = `/v1/meshes/shop/pollers/${shop.pollerId}/rotations`;
    const call = { token: shop.token, raw: "{}", headers: { "content-type": "text/plain" } };
    expect((await broker.api("POST", path, call)).body.code).toBe("unsupported-media-type");
  });
});

describe("an operation that takes no body", () => {
  const pathOf = () => `/v1/meshes/shop/pollers/${shop.pollerId}`;

  it.each(["{}", "null", "x"])("refuses one: %s", async (raw) => {
    const { status, body } = await broker.api("DELETE", pathOf(), { token: shop.token, raw });
    expect({ status, code: body.code, detail: body.detail, pointer: body.pointer }).toEqual({
      status: 400,
      code: "invalid-request",
      detail: "the operation takes no body",
      pointer: "",
    });
  });

  it("S4: does not ask for one that its client holds back", async () => {
    const { socket, closed } = await rawConnection(broker.addresses.admin);
    const head = ["Host: 127.0.0.1", `Authorization: Bearer ${shop.token}`, "If-Match: *", "Content-Length: 2"];
    socket.write(`DELETE ${pathOf()} HTTP/1.1\r\n${head.join("\r\n")}\r\nExpect: 100-continue\r\n\r\n`);
    expect(await closed).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("and has changed nothing", async () => {
    expect((await broker.api("GET", pathOf(), { token: shop.token })).status).toBe(200);
  });
});
