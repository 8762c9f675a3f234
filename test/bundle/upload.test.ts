import { describe, expect, test } from "vitest";
import { readUpload, type Upload } from "../../src/bundle/upload.ts";
import { jwtAuthority } from "../../src/pki/jwt-key.ts";
import { pemOf } from "../../src/pki/pem.ts";
import { eventualRefusalOf } from "../support/refusal-of.ts";
import { testCa } from "../support/test-ca.ts";
import { asJson, bundleOf, jwtEntry, NOW, shopCa, TRUST_DOMAIN, x509Entry } from "./entries.ts";

const read = (upload: Upload) => readUpload(upload, TRUST_DOMAIN, NOW);
const refused = async (upload: Upload) => {
  const { code, pointer, extra } = await eventualRefusalOf(() => read(upload));
  return [code, pointer, ...Object.values(extra)].join(" ");
};
const warningsOf = async (upload: Upload) =>
  (await read(upload)).warnings.map((warning) => [warning.code, warning.pointer, warning.block ?? []].flat().join(" "));

const secondCa = testCa({ trustDomain: TRUST_DOMAIN, kind: "p384", uris: [] });
const leaf = shopCa.issueSvid("/web");

describe("a PEM upload", () => {
  const pem = pemOf(shopCa.der) + pemOf(secondCa.der);

  test("brings each of its certificates, warnings at their block (S8)", async () => {
    expect((await read({ pem })).authorities).toEqual([shopCa.authority(NOW), secondCa.authority(NOW)]);
    expect(await warningsOf({ pem })).toEqual(["no-spiffe-id /pem 2"]);
  });

  test("counts a certificate that is there twice once, with a warning at the second", async () => {
    const twice = { pem: pem + pemOf(shopCa.der) };
    expect((await read(twice)).authorities).toEqual((await read({ pem })).authorities);
    expect(await warningsOf(twice)).toEqual(["no-spiffe-id /pem 2", "duplicate-entry /pem 3"]);
  });

  test("is refused whole for one bad block, which the pointer names", async () => {
    expect(await refused({ pem: pem + leaf.certificatePem })).toBe("certificate-not-ca /pem 3");
    expect(await refused({ pem: `${pem}rubbish` })).toBe("invalid-pem /pem 3");
    expect(await refused({ pem: pem + shopCa.keyPem })).toBe("private-key-submitted /pem 3");
  });

  test("without a block is refused, not taken for an empty bundle", async () => {
    expect(await refused({ pem: "" })).toBe("invalid-pem /pem");
  });
});

describe("a JWK upload", () => {
  test("brings one JWT key (R43)", async () => {
    const jwk = asJson(jwtEntry("k1"));
    expect(await read({ jwk })).toMatchObject({ authorities: [await jwtAuthority(jwk)], warnings: [] });
  });

  test("is refused with the place of the wrong member", async () => {
    expect(await refused({ jwk: asJson(jwtEntry("k1", { d: "AAAA" })) })).toBe("private-key-submitted /jwk/d");
    expect(await refused({ jwk: asJson(jwtEntry("k1", { kid: undefined })) })).toBe("jwk-key-id /jwk/kid");
    expect(await refused({ jwk: null })).toBe("invalid-jwk /jwk");
    expect(await refused({ jwk: asJson(x509Entry()) })).toBe("jwk-not-allowed /jwk/use");
  });
});

describe("a bundle upload", () => {
  test("brings every authority of the bundle; its sequence and hint stay behind (R16, R18)", async () => {
    const jwt = jwtEntry("k1");
    const bundle = bundleOf([x509Entry(), jwt, x509Entry(secondCa)], { spiffe_sequence: 7, spiffe_refresh_hint: 60 });
    const reading = await read({ bundle });
    expect(reading.authorities).toEqual([shopCa.authority(NOW), await jwtAuthority(jwt), secondCa.authority(NOW)]);
    expect(Object.keys(reading).toSorted()).toEqual(["authorities", "places", "warnings"]);
    expect([...reading.places.values()].map(({ pointer }) => pointer)).toEqual([
      "/bundle/keys/0",
      "/bundle/keys/1",
      "/bundle/keys/2",
    ]);
  });

  test("says refusals and warnings of the member of the request", async () => {
    expect(await warningsOf({ bundle: bundleOf([{ kty: "AKP" }, x509Entry(), x509Entry()]) })).toEqual([
      "entry-ignored /bundle/keys/0",
      "duplicate-entry /bundle/keys/2",
    ]);
    expect(await refused({ bundle: bundleOf([x509Entry(), x509Entry(secondCa, { y: "AAAA" })]) })).toBe(
      "x5c-mismatch /bundle/keys/1",
    );
    expect(await refused({ bundle: asJson({}) })).toBe("invalid-bundle /bundle/keys");
  });
});
