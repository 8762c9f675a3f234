import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readBundleDocument } from "../../src/bundle/bundle-document.ts";
import type { JsonValue } from "../../src/json/json-value.ts";
import { parseJson } from "../../src/json/parse-json.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { eventualRefusalOf } from "../support/refusal-of.ts";
import { testCa } from "../support/test-ca.ts";
import { asJson, bundleOf, jwtEntry, NOW, shopCa, TRUST_DOMAIN, x509Entry } from "./entries.ts";

const read = (value: JsonValue) => readBundleDocument(value, TRUST_DOMAIN, NOW);
const refused = (value: JsonValue) => eventualRefusalOf(() => read(value));
const warningsOf = async (value: JsonValue) =>
  (await read(value)).warnings.map(({ code, pointer }) => `${code} ${pointer}`);

describe("the document", () => {
  test.each([
    ["{}", "/keys"],
    ['{"keys":null}', "/keys"],
    ['{"keys":{}}', "/keys"],
    ['{"keys":"[]"}', "/keys"],
    ['{"spiffe_refresh_hint":60,"spiffe_sequence":1}', "/keys"],
    ["[]", ""],
    ["null", ""],
    ['"keys"', ""],
  ])("without an array of keys it is invalid, never empty (R19, S49): %s", async (text, pointer) => {
    expect(await refused(parseJson(text))).toMatchObject({ code: "invalid-bundle", pointer });
  });

  test("an empty array of keys is a bundle that trusts nothing (R21)", async () => {
    expect(await read(bundleOf([]))).toMatchObject({ authorities: [], warnings: [] });
  });

  test("members that nobody defined are left alone, whatever they hold (R15)", async () => {
    const bundle = bundleOf([x509Entry()], { vendor_version: 1.5, "x-note": { deep: [null] } });
    expect(await read(bundle)).toMatchObject({ authorities: [shopCa.authority(NOW)], warnings: [] });
  });

  test("100 keys are read, 101 refused (S13)", async () => {
    const unknown = (count: number) => bundleOf(Array(count).fill({ kty: "AKP" }));
    expect((await read(unknown(100))).warnings).toHaveLength(100);
    expect(await refused(unknown(101))).toMatchObject({ code: "bundle-too-large", pointer: "/keys" });
  });

  test("sequence and hint are noted exactly, to 2^63 - 1 (R16 to R18, S3)", async () => {
    const bundle = parseJson('{"keys":[],"spiffe_sequence":9223372036854775807,"spiffe_refresh_hint":300}');
    expect(await read(bundle)).toMatchObject({ sequence: 9223372036854775807n, refreshHintSeconds: 300 });
    expect((await read(parseJson('{"keys":[],"spiffe_sequence":9007199254740993}'))).sequence).toBe(9007199254740993n);
  });

  test.each(["1.0", "1e3", "-1", "9223372036854775808", '"1"', "null", "true", "0.5"])(
    "a sequence or a hint that is no integer is refused: %s",
    async (source) => {
      for (const member of ["spiffe_sequence", "spiffe_refresh_hint"]) {
        const bundle = parseJson(`{"keys":[],"${member}":${source}}`);
        expect(await refused(bundle)).toMatchObject({ code: "invalid-bundle", pointer: `/${member}` });
      }
    },
  );
});

describe("entries that a consumer must ignore are ignored with a warning (R20, R35)", () => {
  test.each([
    ["kty unknown", { kty: "AKP", alg: "ML-DSA-65", pub: "AAAA", use: "jwt-svid", kid: "k" }],
    ["use unknown", x509Entry(shopCa, { use: "ssh-svid" })],
    ["use in other letters: it is case-sensitive (R24)", x509Entry(shopCa, { use: "X509-SVID" })],
    ["use missing", x509Entry(shopCa, { use: undefined })],
    ["wit-svid", jwtEntry("wit", { use: "wit-svid" })],
    ["x5c missing", x509Entry(shopCa, { x5c: undefined })],
    ["x5c empty", x509Entry(shopCa, { x5c: [] })],
  ])("%s", async (_, entry) => {
    const other = testCa({ trustDomain: TRUST_DOMAIN });
    const reading = await read(bundleOf([entry, x509Entry(other)]));
    expect(reading.authorities).toEqual([other.authority(NOW)]);
    expect(reading.warnings).toMatchObject([{ code: "entry-ignored", pointer: "/keys/0" }]);
  });

  test("a bundle of nothing else is effectively empty (R22)", async () => {
    expect((await read(bundleOf([{ kty: "AKP" }]))).authorities).toEqual([]);
  });
});

describe("X.509 entries", () => {
  test("every allowed kind of CA key is read (R33, R36)", async () => {
    for (const kind of ["rsa", "p256", "p384", "p521", "ed25519"] as const) {
      const ca = testCa({ trustDomain: TRUST_DOMAIN, kind });
      expect((await read(bundleOf([x509Entry(ca)]))).authorities).toEqual([ca.authority(NOW)]);
    }
  });

  test("of several certificates only the first counts (R35)", async () => {
    const second = testCa({ trustDomain: TRUST_DOMAIN });
    const x5c = [...x509Entry().x5c, ...x509Entry(second).x5c];
    const bundle = bundleOf([x509Entry(shopCa, { x5c })]);
    expect((await read(bundle)).authorities).toEqual([shopCa.authority(NOW)]);
    expect(await warningsOf(bundle)).toEqual(["further-certificates-ignored /keys/0/x5c/1"]);
  });

  test("a kid is tolerated with a warning, though it must not be there (R33)", async () => {
    const bundle = bundleOf([x509Entry(shopCa, { kid: "a" }), x509Entry(testCa(shopCa), { kid: "a" })]);
    expect((await read(bundle)).authorities).toHaveLength(2);
    expect(await warningsOf(bundle)).toEqual(["key-id-ignored /keys/0/kid", "key-id-ignored /keys/1/kid"]);
  });

  test("JWK members that are of no use here are tolerated (R25 binds the producer)", async () => {
    const bundle = bundleOf([x509Entry(shopCa, { alg: "ES256", key_ops: ["verify"], "x5t#S256": "AA" })]);
    expect(await read(bundle)).toMatchObject({ authorities: [shopCa.authority(NOW)], warnings: [] });
  });

  const [base64 = ""] = x509Entry().x5c;
  test.each([
    ["base64url", base64.replace(/[+/]/g, (c) => (c === "+" ? "-" : "_")).replace(/^MII/, "M-I")],
    ["a line break", `${base64.slice(0, 64)}\n${base64.slice(64)}`],
    ["padding too much", `${base64.replace(/=*$/, "")}===`],
    ["PEM armour", shopCa.certificatePem],
    ["an empty text", ""],
    ["a number", 5],
    ["null", null],
  ])("x5c is base64 in the one way to write it (R34): %s", async (_, value) => {
    expect(await refused(bundleOf([x509Entry(shopCa, { x5c: [value] })]))).toMatchObject({
      code: "bundle-entry",
      pointer: "/keys/0",
    });
  });

  test.each([
    ["another key", { ...testCa({ trustDomain: TRUST_DOMAIN }).certificate.publicKey.jwk }],
    ["another kty", { kty: "RSA" }],
    ["another curve", { crv: "P-384" }],
    ["a coordinate missing", { y: undefined }],
    ["a coordinate with padding", { x: `${(shopCa.certificate.publicKey.jwk as { x: string }).x}=` }],
  ])("the JWK must be the certificate's key (R86): %s", async (_, changes) => {
    const bundle = bundleOf([jwtEntry("k"), x509Entry(shopCa, changes)]);
    expect(await refused(bundle)).toMatchObject({ code: "x5c-mismatch", pointer: "/keys/1" });
  });

  test("the same certificate twice counts once, with a warning", async () => {
    const bundle = bundleOf([x509Entry(), jwtEntry("k"), x509Entry()]);
    expect((await read(bundle)).authorities.map(({ type }) => type)).toEqual(["x509", "jwt"]);
    expect(await warningsOf(bundle)).toEqual(["duplicate-entry /keys/2"]);
  });

  test("two certificates of one key are two authorities", async () => {
    const renewed = testCa({ trustDomain: TRUST_DOMAIN, privateKey: shopCa.privateKey });
    expect((await read(bundleOf([x509Entry(), x509Entry(renewed)]))).authorities).toEqual([
      shopCa.authority(NOW),
      renewed.authority(NOW),
    ]);
  });

  test("what the authority profile warns of is said of the entry", async () => {
    const ca = testCa({ trustDomain: TRUST_DOMAIN, uris: [], notAfter: NOW + DAY_MS });
    expect(await warningsOf(bundleOf([x509Entry(), x509Entry(ca)]))).toEqual([
      "expires-soon /keys/1",
      "no-spiffe-id /keys/1",
    ]);
  });
});

describe("a bad entry refuses the whole bundle with its own code and place", () => {
  const leaf = shopCa.issueSvid("/ns/default/sa/web");
  const leafEntry = { ...leaf.certificate.publicKey.jwk, x5c: [Buffer.from(leaf.der).toString("base64")] };
  const foreign = testCa({ trustDomain: "bank.example" });
  const expired = testCa({ trustDomain: TRUST_DOMAIN, notAfter: NOW - HOUR_MS });

  test.each([
    ["certificate-not-ca", "a leaf (R37)", x509Entry(shopCa, leafEntry)],
    ["certificate-spiffe-id", "another trust domain's CA (R88)", x509Entry(foreign)],
    ["certificate-expired", "an expired CA (R87)", x509Entry(expired)],
    ["certificate-unreadable", "bytes that are no certificate", x509Entry(shopCa, { x5c: ["MAMCAQE="] })],
    ["jwk-key-id", "a JWT key without kid (R43)", jwtEntry("", { kid: undefined })],
    ["jwk-not-allowed", "an Ed25519 JWT key (R47)", jwtEntry("k", {}, "ed25519")],
    ["bundle-entry", "an entry that is no object", "AAAA"],
    ["bundle-entry", "an entry that is null", null],
    ["bundle-entry", "no kty (R23)", x509Entry(shopCa, { kty: undefined })],
    ["bundle-entry", "a use that is no text", x509Entry(shopCa, { use: 1 })],
    ["bundle-entry", "x5c that is no array", x509Entry(shopCa, { x5c: "AAAA" })],
  ])("%s: %s", async (code, _, entry) => {
    const refusal = await refused(bundleOf([x509Entry(), jwtEntry("other"), { kty: "AKP" }, entry]));
    expect(refusal.code).toBe(code);
    expect(refusal.pointer).toMatch(/^\/keys\/3(\/|$)/);
  });
});

describe("JWT entries", () => {
  test("are read with their kid (R43)", async () => {
    const { authorities } = await read(bundleOf([jwtEntry("a"), jwtEntry("b", {}, "rsa"), jwtEntry("c", {}, "p521")]));
    expect(authorities).toMatchObject([
      { type: "jwt", keyId: "a", jwk: { kty: "EC" } },
      { type: "jwt", keyId: "b", jwk: { kty: "RSA" } },
      { type: "jwt", keyId: "c", jwk: { crv: "P-521" } },
    ]);
  });

  test("one kid names one key in the whole bundle, WIT keys counted (R45)", async () => {
    const sameKey = jwtEntry("a");
    for (const second of [sameKey, jwtEntry("a"), jwtEntry("a", { use: "wit-svid" })]) {
      expect(await refused(bundleOf([sameKey, second]))).toMatchObject({ code: "bundle-entry", pointer: "/keys/1" });
    }
  });

  test("one key has one kid: an authority is known by its key", async () => {
    const key = jwtEntry("a");
    expect(await refused(bundleOf([key, { ...key, kid: "b" }]))).toMatchObject({
      code: "bundle-entry",
      pointer: "/keys/1",
    });
  });
});

describe("private key material anywhere refuses the whole (S13, R85)", () => {
  test.each(["d", "p", "q", "dp", "dq", "qi", "oth", "k"])("the member %s", async (member) => {
    const entry = x509Entry(shopCa, { [member]: "c2VjcmV0" });
    const refusal = await refused(bundleOf([jwtEntry("j"), entry]));
    expect(refusal).toMatchObject({ code: "private-key-submitted", pointer: `/keys/1/${member}` });
    expect(JSON.stringify([refusal.message, refusal.extra])).not.toContain("c2VjcmV0");
  });

  test.each([
    ["in an entry that would be ignored", { keys: [{ kty: "AKP", d: "AA" }] }, "/keys/0/d"],
    ["in an unknown member", { keys: [], old: [{ deep: { kty: "EC", d: "AA" } }] }, "/old/0/deep/d"],
    ["a symmetric key", { keys: [{ kty: "oct", use: "jwt-svid" }] }, "/keys/0/kty"],
    ["even where the document is invalid otherwise", { keys: {}, jwk: { d: null } }, "/jwk/d"],
  ])("%s", async (_, document, pointer) => {
    expect(await refused(asJson(document))).toMatchObject({ code: "private-key-submitted", pointer });
  });
});

test("no JSON value makes the reader fail in any other way than by a refusal", async () => {
  const member = fc.constantFrom("keys", "kty", "use", "x5c", "kid", "crv", "x", "y", "spiffe_sequence");
  const word = fc.constantFrom("EC", "RSA", "OKP", "x509-svid", "jwt-svid", "AAAA", "P-256", "");
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, word, fc.integer(), fc.constant(null), tie("array"), tie("object")),
    array: fc.array(tie("value"), { maxLength: 4 }),
    object: fc.dictionary(member, tie("value"), { maxKeys: 6 }),
  }));
  const entries = fc.array(fc.record({ kty: word, use: word, x5c: value, kid: value, x: value, crv: word }), {
    maxLength: 3,
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(value, fc.record({ keys: fc.oneof(value, entries) })), async (document) => {
      try {
        expect((await read(asJson(document))).authorities).toEqual([]);
      } catch (error) {
        expect(error).toMatchObject({ name: "Refusal" });
      }
    }),
    { numRuns: 500 },
  );
});
