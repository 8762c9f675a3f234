import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, registerMesh, runBroker } from "../support/running-broker.ts";
import { refused, UNLIMITED } from "./api-fixture.ts";

const BODY_BYTES = 2_048;
const UPLOAD_BYTES = 8_192;
const broker = await runBroker({
  ...UNLIMITED,
  ENTENTE_BREAK_GLASS: "true",
  ENTENTE_LIMITS_BODY_BYTES: String(BODY_BYTES),
  ENTENTE_LIMITS_UPLOAD_BYTES: String(UPLOAD_BYTES),
});
afterAll(() => broker.remove());
const shop = await registerMesh(broker, "shop");
const AUTHORITIES = "/v1/meshes/shop/authorities";
const PROOFS = `${AUTHORITIES}/${shop.authorityId}/proofs`;

const send = (method: string, path: string, body: unknown, token = shop.token) =>
  broker.api(method, path, { token, raw: typeof body === "string" ? body : JSON.stringify(body) });
const said = async (answer: ReturnType<typeof send>) => {
  const { pointer, detail } = (await refused("invalid-request", answer)).body;
  return [pointer, detail];
};

describe("a refusal of a body says what would do", () => {
  it.each([
    [PROOFS, {}, "", "exactly one of certificate, signature, jws is to be said"],
    [PROOFS, { signature: "x", jws: "y" }, "", "exactly one of certificate, signature, jws is to be said"],
    [AUTHORITIES, {}, "", "exactly one of pem, jwk, bundle is to be said"],
    [AUTHORITIES, { certificate: "x" }, "", "exactly one of pem, jwk, bundle is to be said"],
    [AUTHORITIES, { pem: 1 }, "/pem", "must be string"],
  ])("%s %j", async (path, body, pointer, detail) => {
    expect(await said(send("POST", path, body))).toEqual([pointer, detail]);
  });

  it("that a text is blank", async () => {
    const body = { meshId: "shop", name: "rescue", reason: " \t" };
    const answer = send("POST", "/v1/break-glass/tokens", body, broker.operatorToken);
    expect(await said(answer)).toEqual(["/reason", "the text is blank"]);
  });

  it("S1: how many bytes are taken, as they are set", async () => {
    const detailOf = async (path: string, bytes: number) =>
      (await refused("body-too-large", send("POST", path, " ".repeat(bytes + 1)))).body.detail;
    expect(await detailOf("/v1/tokens", BODY_BYTES)).toBe("the body is larger than 2048 bytes");
    expect(await detailOf(AUTHORITIES, UPLOAD_BYTES)).toBe("the body is larger than 8192 bytes");
  });
});

describe("S3: an integer is written as one", () => {
  const hint = (written: string) =>
    broker.api("PATCH", `/v1/trust-domains/${shop.trustDomain}`, {
      token: shop.token,
      raw: `{"refreshHintSeconds":${written}}`,
    });
  const PLAIN = "must be an integer that is written without sign, fraction and exponent";

  it.each([
    ["3e2", PLAIN],
    ["300.0", PLAIN],
    ["3.0E2", PLAIN],
    ["9007199254740993", "the integer is too large: at most 86400"],
    ["9223372036854775808", "the integer is too large: at most 86400"],
    ["-9007199254740993", "the integer is too small: at least 1"],
    ["1e300", "must be <= 86400"],
    ["300.5", "must be integer"],
  ])("a refresh hint of %s is none", async (written, detail) => {
    expect(await said(hint(written))).toEqual(["/refreshHintSeconds", detail]);
  });

  it("also where it lies deeper, and a zero has no sign", async () => {
    const put = (raw: string) => broker.api("PUT", "/v1/meshes/shop/document", { token: shop.token, raw });
    expect(await said(put('{"mesh":{},"trustDomain":{"refreshHintSeconds":6e1}}'))).toEqual([
      "/trustDomain/refreshHintSeconds",
      PLAIN,
    ]);
    const { tokens } = (await broker.api("GET", "/v1/tokens", { token: shop.token })).body;
    const rotation = send("POST", `/v1/tokens/${tokens[0].tokenId}/rotations`, '{"overlapSeconds":-0}');
    expect(await said(rotation)).toEqual(["/overlapSeconds", PLAIN]);
  });

  it("what a bundle holds beside its own integers is its maker's", async () => {
    const jwk = '{"kty":"RSA","x-note":1.0}';
    expect((await send("POST", AUTHORITIES, `{"jwk":${jwk}}`)).body.code).not.toBe("invalid-request");
    await expectStatus(200, hint("300"));
  });
});
