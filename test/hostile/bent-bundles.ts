import type { ErrorCode } from "../../src/errors.ts";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import { bundleOf, jwtEntry, x509Entry } from "../bundle/entries.ts";
import { testCa } from "../support/test-ca.ts";

/** A bundle that breaks one rule: what the upload answers, and the place that it names. */
export interface BentBundle {
  readonly rule: string;
  readonly name: string;
  readonly code: ErrorCode;
  /** Of the request, whose member `bundle` it is; null where the answer names none. */
  readonly pointer: string | null;
  /** The text of the bundle, as bytes where it is no UTF-8. */
  readonly text: string | Buffer;
}

type Row = readonly [rule: string, name: string, code: ErrorCode, pointer: string | null, bundle: unknown];

/** A text of JSON as it is, where writing a value would lose what is wrong with it. */
class Raw {
  readonly text: string | Buffer;
  constructor(text: string | Buffer) {
    this.text = text;
  }
}
const raw = (text: string | Buffer) => new Raw(text);

const trustDomain = "shop.example";
const other = testCa({ trustDomain });
const aKey = JSON.stringify(x509Entry(other));
const base64 = x509Entry(other).x5c[0] as string;
const keys = (...entries: readonly unknown[]) => bundleOf(entries);
const x509 = (changes: object) => keys(x509Entry(other), x509Entry(testCa({ trustDomain }), changes));
const jwt = (changes: object, kind: "p256" | "rsa" | "ed25519" = "p256") =>
  keys(x509Entry(other), jwtEntry("signer", changes, kind));
const caOf = (options: object) => keys(x509Entry(other), x509Entry(testCa({ trustDomain, ...options })));
const member = (name: string, source: string) => raw(`{"keys":[${aKey}],"${name}":${source}}`);
const SECOND = "/bundle/keys/1";

const documents: readonly Row[] = [
  ["R14", "an array", "invalid-request", "/bundle", []],
  ["R14", "a text", "invalid-request", "/bundle", aKey],
  ["R14", "null", "invalid-request", "/bundle", null],
  ["R19", "no keys", "invalid-bundle", "/bundle/keys", {}],
  ["R19, S49", "keys that are null", "invalid-bundle", "/bundle/keys", { keys: null }],
  ["R19", "keys that are an object", "invalid-bundle", "/bundle/keys", { keys: { 0: x509Entry(other) } }],
  ["R19", "keys that are a text", "invalid-bundle", "/bundle/keys", { keys: aKey }],
  ["R21", "keys that are empty", "nothing-to-register", null, { keys: [] }],
  ["R22", "keys of unknown kinds alone", "nothing-to-register", null, keys({ kty: "AKP", use: "x509-svid" })],
  ["R36", "no X.509 and no JWT entry that counts", "nothing-to-register", null, keys({ ...x509Entry(other), x5c: [] })],
  [
    "R29",
    "a bundle map",
    "invalid-bundle",
    "/bundle/keys",
    { trust_domains: { [trustDomain]: keys(x509Entry(other)) } },
  ],
  ...["1.0", "1e3", "-1", "-0", "0.5", "9223372036854775808", "1e400", '"1"', "null", "true", "[1]"].flatMap(
    (source): Row[] =>
      (["spiffe_sequence", "spiffe_refresh_hint"] as const).map((name) => [
        name === "spiffe_sequence" ? "R16, R17, S3" : "R18, S3",
        `${name} ${source}`,
        source === "1e400" ? "invalid-json" : "invalid-bundle",
        `/bundle/${name}`,
        member(name, source),
      ]),
  ),
  ["R89, S13", "101 keys", "bundle-too-large", "/bundle/keys", keys(...Array(101).fill({ kty: "AKP" }))],
  ["R89, S1", "more than 1 MiB", "body-too-large", null, { keys: [], note: "x".repeat(1_048_576) }],
  ["R90", "keys twice", "duplicate-member", "/bundle/keys", raw(`{"keys":[${aKey}],"keys":[]}`)],
  ["R90", "keys twice, once escaped", "duplicate-member", "/bundle/keys", raw(`{"keys":[${aKey}],"\\u006beys":[]}`)],
  ["R90", "use twice", "duplicate-member", "/bundle/keys/0/use", raw(`{"keys":[${aKey.replace("{", '{"use":"x",')}]}`)],
  [
    "S2",
    "arrays 17 deep",
    "too-complex",
    `/bundle/deep${"/0".repeat(14)}`,
    { keys: [], deep: JSON.parse("[".repeat(15) + "]".repeat(15)) },
  ],
  ["S2", "more than 20,000 values", "too-complex", "/bundle/many/19996", { keys: [], many: Array(20_000).fill(0) }],
  ["S2", "__proto__", "invalid-json", "/bundle/__proto__", raw('{"keys":[],"__proto__":{}}')],
  ["S2", "bytes that are not UTF-8", "invalid-json", "", raw(Buffer.from('{"keys":[],"n":"\xff"}', "latin1"))],
  ["S2", "a lone surrogate", "invalid-json", "/bundle/n", raw('{"keys":[],"n":"\\ud800"}')],
];

const entries: readonly Row[] = [
  ["R14", "an entry that is a text", "bundle-entry", SECOND, keys(x509Entry(other), base64)],
  ["R14", "an entry that is null", "bundle-entry", SECOND, keys(x509Entry(other), null)],
  ["R14", "an entry that is an array", "bundle-entry", SECOND, keys(x509Entry(other), [])],
  ["R23", "no kty", "bundle-entry", SECOND, x509({ kty: undefined })],
  ["R23", "a kty that is a number", "bundle-entry", SECOND, x509({ kty: 1 })],
  ["R24", "a use that is an array", "bundle-entry", SECOND, x509({ use: ["x509-svid"] })],
  ["R34", "x5c that is a text", "bundle-entry", SECOND, x509({ x5c: base64 })],
  ["R34", "x5c of numbers", "bundle-entry", SECOND, x509({ x5c: [1] })],
  ["R34", "x5c in base64url", "bundle-entry", SECOND, x509({ x5c: [`-_${base64.slice(2)}`] })],
  [
    "R34",
    "x5c with a line break",
    "bundle-entry",
    SECOND,
    x509({ x5c: [`${base64.slice(0, 64)}\n${base64.slice(64)}`] }),
  ],
  ["R34", "x5c in PEM", "bundle-entry", SECOND, x509({ x5c: [other.certificatePem] })],
  ["R34", "x5c of an empty text", "bundle-entry", SECOND, x509({ x5c: [""] })],
  ["R34, S9", "x5c of two certificates in one text", "certificate-not-canonical", SECOND, x509({ x5c: [twice()] })],
  ["R37", "a leaf", "certificate-not-ca", SECOND, keys(x509Entry(other), leafEntry())],
  ["R87", "an expired CA", "certificate-expired", SECOND, caOf({ notAfter: Date.now() - HOUR_MS })],
  ["R88", "a CA of another trust domain", "certificate-spiffe-id", SECOND, caOf({ uris: ["spiffe://bank.example"] })],
  [
    "R37",
    "a CA whose SPIFFE ID has a path",
    "certificate-spiffe-id",
    SECOND,
    caOf({ uris: [`spiffe://${trustDomain}/ca`] }),
  ],
  ["R86", "another key's x5c", "x5c-mismatch", SECOND, x509({ x5c: [base64] })],
  ["R86", "another curve", "x5c-mismatch", SECOND, x509({ crv: "P-384" })],
  ["R86", "another kty", "x5c-mismatch", SECOND, x509({ kty: "OKP" })],
  ["R86", "a coordinate with padding", "x5c-mismatch", SECOND, x509({ x: `${x509Entry(other).x5c}=` })],
  ["R43", "a JWT key without a kid", "jwk-key-id", `${SECOND}/kid`, jwt({ kid: undefined })],
  ["R43", "a JWT key with an empty kid", "jwk-key-id", `${SECOND}/kid`, jwt({ kid: "" })],
  ["R43", "a kid that is a number", "jwk-key-id", `${SECOND}/kid`, jwt({ kid: 7 })],
  ["S6", "a kid that turns around what follows", "jwk-key-id", `${SECOND}/kid`, jwt({ kid: "a\u202eb" })],
  ["S6", "a kid with NUL", "jwk-key-id", `${SECOND}/kid`, jwt({ kid: "a\0b" })],
  ["S6", "a kid of 1,025 characters", "jwk-key-id", `${SECOND}/kid`, jwt({ kid: "k".repeat(1_025) })],
  ["R45", "one kid for two JWT keys", "bundle-entry", SECOND, keys(jwtEntry("k"), jwtEntry("k"))],
  [
    "R45",
    "one kid for a JWT and a WIT key",
    "bundle-entry",
    SECOND,
    keys(jwtEntry("k"), jwtEntry("k", { use: "wit-svid" })),
  ],
  ["R47", "an Ed25519 JWT key", "jwk-not-allowed", `${SECOND}/kty`, jwt({}, "ed25519")],
  ["R47", "a secp256k1 JWT key", "jwk-not-allowed", `${SECOND}/crv`, jwt({ crv: "secp256k1" })],
  ["R47", "a JWT key off its curve", "invalid-jwk", SECOND, jwt({ y: "A".repeat(43) })],
  ["R47", "an RSA JWT key of 1,024 bits", "jwk-not-allowed", `${SECOND}/n`, jwt({ n: `${"_".repeat(170)}8` }, "rsa")],
  ...["d", "p", "q", "dp", "dq", "qi", "oth", "k"].flatMap((name): Row[] => [
    [
      "R85, S13",
      `the private member ${name}`,
      "private-key-submitted",
      `${SECOND}/${name}`,
      x509({ [name]: "c2VjcmV0" }),
    ],
    [
      "R85, S13",
      `${name} deep in a member of nobody`,
      "private-key-submitted",
      `/bundle/old/0/${name}`,
      { keys: [], old: [{ [name]: null }] },
    ],
  ]),
  ["R85, S13", "a symmetric key", "private-key-submitted", "/bundle/keys/0/kty", keys({ kty: "oct", use: "jwt-svid" })],
];

/** Entries that a consumer must ignore are ignored, and leave nothing to register. */
const ignored: readonly Row[] = [
  ["R20", "an unknown kty", "nothing-to-register", null, keys({ ...x509Entry(other), kty: "AKP" })],
  ["R20", "an unknown use", "nothing-to-register", null, keys({ ...x509Entry(other), use: "ssh-svid" })],
  ["R20", "no use", "nothing-to-register", null, keys({ ...x509Entry(other), use: undefined })],
  ["R24", "a use in other letters", "nothing-to-register", null, keys({ ...x509Entry(other), use: "X509-SVID" })],
  ["R35", "no x5c", "nothing-to-register", null, keys({ ...x509Entry(other), x5c: undefined })],
  ["R46", "a WIT key", "nothing-to-register", null, keys(jwtEntry("w", { use: "wit-svid" }))],
];

function twice(): string {
  return Buffer.concat([other.der, other.der]).toString("base64");
}

function leafEntry() {
  const leaf = other.issueSvid("/web", { notAfter: Date.now() + DAY_MS });
  return { ...leaf.certificate.publicKey.jwk, use: "x509-svid", x5c: [Buffer.from(leaf.der).toString("base64")] };
}

export const bentBundles: readonly BentBundle[] = [...documents, ...entries, ...ignored].map(
  ([rule, name, code, pointer, bundle]) => ({
    rule,
    name,
    code,
    pointer,
    text: bundle instanceof Raw ? bundle.text : JSON.stringify(bundle),
  }),
);
