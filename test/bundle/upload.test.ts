import { describe, expect, test } from "vitest";
import { readUpload, type Upload } from "../../src/bundle/upload.ts";
import { jwtAuthority } from "../../src/pki/jwt-key.ts";
import { pemOf } from "../../src/pki/pem.ts";
import { refusalOf } from "../support/refusal-of.ts";
import { testCa } from "../support/test-ca.ts";
import { asJson, bundleOf, jwtEntry, NOW, shopCa, TRUST_DOMAIN, x509Entry } from "./entries.ts";

const read = (upload: Upload) => readUpload(upload, TRUST_DOMAIN, NOW);
const refused = (upload: Upload) => {
  const { code, pointer } = refusalOf(() => read(upload));
  return `${code} ${pointer}`;
};
const warningsOf = (upload: Upload) => read(upload).warnings.map(({ code, pointer }) => `${code} ${pointer}`);

const secondCa = testCa({ trustDomain: TRUST_DOMAIN, kind: "p384", uris: [] });
const leaf = shopCa.issueSvid("/web");

describe("a PEM upload", () => {
  const pem = pemOf(shopCa.der) + pemOf(secondCa.der);

  test("brings each of its certificates, warnings at their block (S8)", () => {
    expect(read({ pem }).authorities).toEqual([shopCa.authority(NOW), secondCa.authority(NOW)]);
    expect(warningsOf({ pem })).toEqual(["no-spiffe-id /pem/1"]);
  });

  test("counts a certificate that is there twice once, with a warning at the second", () => {
    const twice = { pem: pem + pemOf(shopCa.der) };
    expect(read(twice).authorities).toEqual(read({ pem }).authorities);
    expect(warningsOf(twice)).toEqual(["no-spiffe-id /pem/1", "duplicate-entry /pem/2"]);
  });

  test("is refused whole for one bad block, which the pointer names", () => {
    expect(refused({ pem: pem + leaf.certificatePem })).toBe("certificate-not-ca /pem/2");
    expect(refused({ pem: `${pem}rubbish` })).toBe("invalid-pem /pem/2");
    expect(refused({ pem: pem + shopCa.keyPem })).toBe("private-key-submitted /pem/2");
  });

  test("without a block is refused, not taken for an empty bundle", () => {
    expect(refused({ pem: "" })).toBe("invalid-pem /pem");
  });
});

describe("a JWK upload", () => {
  test("brings one JWT key (R43)", () => {
    const jwk = asJson(jwtEntry("k1"));
    expect(read({ jwk })).toEqual({ authorities: [jwtAuthority(jwk)], warnings: [] });
  });

  test("is refused with the place of the wrong member", () => {
    expect(refused({ jwk: asJson(jwtEntry("k1", { d: "AAAA" })) })).toBe("private-key-submitted /jwk/d");
    expect(refused({ jwk: asJson(jwtEntry("k1", { kid: undefined })) })).toBe("jwk-key-id /jwk/kid");
    expect(refused({ jwk: null })).toBe("invalid-jwk /jwk");
    expect(refused({ jwk: asJson(x509Entry()) })).toBe("jwk-not-allowed /jwk/use");
  });
});

describe("a bundle upload", () => {
  test("brings every authority of the bundle; its sequence and hint stay behind (R16, R18)", () => {
    const jwt = jwtEntry("k1");
    const bundle = bundleOf([x509Entry(), jwt, x509Entry(secondCa)], { spiffe_sequence: 7, spiffe_refresh_hint: 60 });
    const reading = read({ bundle });
    expect(reading.authorities).toEqual([shopCa.authority(NOW), jwtAuthority(jwt), secondCa.authority(NOW)]);
    expect(Object.keys(reading).toSorted()).toEqual(["authorities", "warnings"]);
  });

  test("says refusals and warnings of the member of the request", () => {
    expect(warningsOf({ bundle: bundleOf([{ kty: "AKP" }, x509Entry(), x509Entry()]) })).toEqual([
      "entry-ignored /bundle/keys/0",
      "duplicate-entry /bundle/keys/2",
    ]);
    expect(refused({ bundle: bundleOf([x509Entry(), x509Entry(secondCa, { y: "AAAA" })]) })).toBe(
      "x5c-mismatch /bundle/keys/1",
    );
    expect(refused({ bundle: asJson({}) })).toBe("invalid-bundle /bundle/keys");
  });
});
