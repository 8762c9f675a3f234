import { describe, expect, test } from "vitest";
import { readBundleDocument } from "../../src/bundle/bundle-document.ts";
import { readUpload } from "../../src/bundle/upload.ts";
import type { JsonValue } from "../../src/json/json-value.ts";
import { parseJson } from "../../src/json/parse-json.ts";
import { jwtAuthority } from "../../src/pki/jwt-key.ts";
import { pemOf } from "../../src/pki/pem.ts";
import { eventualRefusalOf } from "../support/refusal-of.ts";
import { testCa } from "../support/test-ca.ts";
import { bundleOf, jwtEntry, NOW, shopCa, TRUST_DOMAIN, x509Entry } from "./entries.ts";

// The inputs of go-spiffe's and SPIRE's own tests, made again (spiffe-conformance.md §3), under their names.

const read = (value: JsonValue) => readBundleDocument(value, TRUST_DOMAIN, NOW);
const refused = (value: JsonValue) => eventualRefusalOf(() => read(value));

describe("spiffebundle", () => {
  const ca384 = testCa({ trustDomain: TRUST_DOMAIN, kind: "p384" });

  test("valid_1: a P-384 CA and a JWT key", async () => {
    const jwt = jwtEntry("KvnPfcBdIAvmIDNGiELTBjBdR8rrdVpP");
    expect(await read(bundleOf([x509Entry(ca384), jwt]))).toMatchObject({
      authorities: [ca384.authority(NOW), await jwtAuthority(jwt)],
      warnings: [],
    });
  });

  test("valid_2: a CA and six JWT keys, hint 60, sequence 1", async () => {
    const keys = [x509Entry(), ...["a", "b", "c", "d", "e", "f"].map((kid) => jwtEntry(kid))];
    const bundle = await read(bundleOf(keys, { spiffe_sequence: 1, spiffe_refresh_hint: 60 }));
    expect(bundle.authorities).toHaveLength(7);
    expect(bundle).toMatchObject({ sequence: 1n, refreshHintSeconds: 60, warnings: [] });
  });

  test("valid_with_wit: the WIT keys are left aside, the rest is read (R44, R46)", async () => {
    const wit = [jwtEntry("wit-1", { use: "wit-svid" }), jwtEntry("wit-2", { use: "wit-svid" }, "rsa")];
    const bundle = await read(bundleOf([x509Entry(), jwtEntry("jwt-1"), ...wit]));
    expect(bundle.authorities.map(({ type }) => type)).toEqual(["x509", "jwt"]);
    expect(bundle.warnings.map(({ pointer }) => pointer)).toEqual(["/keys/2", "/keys/3"]);
  });

  test("missing_kid: a JWT key without kid refuses the whole", async () => {
    expect((await refused(bundleOf([x509Entry(), jwtEntry("", { kid: undefined })]))).code).toBe("jwk-key-id");
  });

  test("multiple_x509: go-spiffe refuses two certificates in one entry; the standard takes the first (R35)", async () => {
    const x5c = [...x509Entry().x5c, ...x509Entry(ca384).x5c];
    expect((await read(bundleOf([x509Entry(shopCa, { x5c })]))).authorities).toEqual([shopCa.authority(NOW)]);
  });

  test("no_keys: a hint and a sequence are no bundle (S49)", async () => {
    expect((await refused(parseJson('{"spiffe_refresh_hint":60,"spiffe_sequence":1}'))).code).toBe("invalid-bundle");
  });

  test("go-jose's refusals: an x5c of another key, and one that is no base64", async () => {
    expect((await refused(bundleOf([x509Entry(shopCa, { x5c: x509Entry(ca384).x5c })]))).code).toBe("x5c-mismatch");
    expect((await refused(bundleOf([x509Entry(shopCa, { x5c: ["%%%"] })]))).code).toBe("bundle-entry");
  });
});

describe("bundleutil", () => {
  test("empty bundle: SPIRE takes {} for an empty bundle, which could wipe trust; it is refused (S49)", async () => {
    expect((await refused(parseJson("{}"))).code).toBe("invalid-bundle");
  });

  test("entry missing use, unrecognized use: ignored (R20)", async () => {
    const entries = [x509Entry(shopCa, { use: undefined }), x509Entry(shopCa, { use: "bad" })];
    expect((await read(bundleOf(entries))).authorities).toEqual([]);
  });

  test("x509-svid without x5c: ignored (R35)", async () => {
    expect((await read(bundleOf([x509Entry(shopCa, { x5c: undefined })]))).authorities).toEqual([]);
  });
});

describe("x509bundle", () => {
  const readPem = (pem: string) => readUpload({ pem }, TRUST_DOMAIN, NOW);
  const refusedPem = async (pem: string) => (await eventualRefusalOf(() => readPem(pem))).code;
  const second = testCa({ trustDomain: TRUST_DOMAIN });

  test("cert and certs: one certificate, several certificates", async () => {
    expect((await readPem(pemOf(shopCa.der))).authorities).toEqual([shopCa.authority(NOW)]);
    expect((await readPem(pemOf(shopCa.der) + pemOf(second.der))).authorities).toHaveLength(2);
  });

  test("corrupted: a block whose DER is cut off", async () => {
    expect(await refusedPem(pemOf(shopCa.der.subarray(0, -10)))).toMatch(/^certificate-(unreadable|not-canonical)$/);
  });

  test("empty: go-spiffe makes an empty bundle of no bytes; an upload of nothing is a mistake", async () => {
    expect(await refusedPem("")).toBe("invalid-pem");
  });

  test("key and not-pem: another block, no block", async () => {
    expect(await refusedPem(shopCa.keyPem)).toBe("private-key-submitted");
    expect(await refusedPem("not a PEM")).toBe("invalid-pem");
  });
});
