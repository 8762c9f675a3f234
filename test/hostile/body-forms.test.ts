import { afterAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { refused, UNLIMITED } from "../api/api-fixture.ts";
import { type ApiAnswer, runBroker } from "../support/running-broker.ts";
import { hostileWorld, stillServes } from "./caller.ts";
import { nameOf, operations, type Schema } from "./contract.ts";
import { printCounts } from "./counts.ts";
import { bodiesOf } from "./sample.ts";

const broker = await runBroker(UNLIMITED);
const world = await hostileWorld(broker);
const counts = { operations: 0, refused: 0, "taken at a limit": 0 };
afterAll(async () => {
  await broker.remove();
  printCounts("request bodies in a wrong form", counts);
});

const KIB = 1_024;
const UPLOAD = 1_024 * KIB;

/** What is done to the text of a body that is right, and the code of the answer. */
const FORMS: readonly (readonly [ErrorCode, string, (text: string) => string | Buffer])[] = [
  ["invalid-json", "nothing", () => ""],
  ["invalid-json", "white space", () => " \r\n"],
  ["invalid-json", "half of it", (text) => text.slice(0, -1)],
  ["invalid-json", "something after it", (text) => `${text}{}`],
  ["invalid-json", "NUL after it", (text) => `${text}\0`],
  ["invalid-json", "a comment before it", (text) => `/**/${text}`],
  ["invalid-json", "a byte order mark", (text) => `\ufeff${text}`],
  ["invalid-json", "UTF-16", (text) => Buffer.from(text, "utf16le")],
  ["invalid-json", "UTF-16 with its mark", (text) => Buffer.from(`\ufeff${text}`, "utf16le")],
  ["invalid-json", "a byte that is no UTF-8", (text) => Buffer.from(text.replace("{", '{"x":"\xff",'), "latin1")],
  ["invalid-json", "a name that is no UTF-8", (text) => Buffer.from(text.replace("{", '{"\xc0\xaf":1,'), "latin1")],
  ["invalid-json", "a surrogate in UTF-8", (text) => Buffer.from(text.replace("{", '{"\xed\xa0\x80":1,'), "latin1")],
  ["invalid-json", "a lone surrogate", (text) => text.replace("{", '{"x":"\\ud800",')],
  ["invalid-json", "a name that is a lone surrogate", (text) => text.replace("{", '{"\\udfff":1,')],
  ["invalid-json", "__proto__", (text) => text.replace("{", '{"__proto__":{"admin":true},')],
  ["invalid-json", "__proto__ in disguise", (text) => text.replace("{", '{"__pr\\u006fto__":null,')],
  ["invalid-json", "a number beyond every double", (text) => text.replace("{", '{"x":1e999,')],
  ["invalid-json", "a number in hexadecimal", (text) => text.replace("{", '{"x":0x1,')],
  ["invalid-json", "NaN", (text) => text.replace("{", '{"x":NaN,')],
  ["duplicate-member", "a member twice", (text) => text.replace("{", `{${firstOf(text)}:null,`)],
  ["duplicate-member", "a member twice, once escaped", (text) => text.replace("{", `{${escaped(firstOf(text))}:null,`)],
  ["duplicate-member", "an unknown member twice inside another", (text) => text.replace("{", '{"x":[{"y":1,"y":1}],')],
  ["too-complex", "arrays 17 deep", (text) => text.replace("{", `{"x":${"[".repeat(16)}${"]".repeat(16)},`)],
  ["too-complex", "objects 10,000 deep", (text) => text.replace("{", `{"x":${'{"y":'.repeat(10_000)}`)],
  ["too-complex", "more than 20,000 values", (text) => text.replace("{", `{"x":[${"0,".repeat(20_000)}0],`)],
  ["invalid-request", "arrays 16 deep", (text) => text.replace("{", `{"x":${"[".repeat(15)}${"]".repeat(15)},`)],
  ["invalid-request", "an integer that no double holds", (text) => text.replace("{", '{"x":9007199254740993,')],
  ["invalid-request", "null", () => "null"],
  ["invalid-request", "an array of it", (text) => `[${text}]`],
  ["invalid-request", "a text of it", (text) => JSON.stringify(text)],
  ["invalid-request", "a number", () => "7"],
  ["invalid-request", "constructor and prototype", (text) => text.replace("{", '{"constructor":{"prototype":{}},')],
];

const TYPES = [
  "text/plain",
  "text/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "application/json; charset=utf-16",
  "application/json; charset=iso-8859-1",
  "application/json-seq",
  "application/jsonx",
  "application/xml",
  "application/octet-stream",
  "application",
  "",
];
const ENCODINGS = ["gzip", "deflate", "br", "zstd", "identity", "gzip, identity", "x"];

const firstOf = (text: string): string => /"[^"]+"/.exec(text)?.[0] ?? '"x"';
const escaped = (name: string): string =>
  `"${[...name.slice(1, -1)].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")}"`;

const withBody = operations.filter(({ body }) => body !== undefined);
const withoutBody = operations.filter(({ method, body }) => method !== "GET" && body === undefined);

describe.each(withBody.map((operation) => ({ name: nameOf(operation), operation })))("$name", ({ operation }) => {
  const [body = {}] = bodiesOf(operation.body as Schema);
  const text = JSON.stringify(body);
  const large = /"(pem|bundle|certificate)":/.test(text);

  it("S2, S3, R90: refuses what is not one JSON value in UTF-8, or that another reader could read otherwise", async () => {
    const caller = await world.callerOf(operation);
    for (const [code, form, bend] of FORMS) {
      if (operation.mayLackBody && bend(text) === "") continue;
      const { status, body: said, text: answer } = await caller.send(bend(text));
      expect([status, said?.code], `${form}: ${answer}`).toEqual([400, code]);
      counts.refused += 1;
    }
    counts.operations += 1;
  });

  it("S1, S5: refuses every other content type and every encoding", async () => {
    const caller = await world.callerOf(operation);
    const headers = [
      ...TYPES.map((type) => ({ "content-type": type })),
      ...ENCODINGS.map((encoding) => ({ "content-encoding": encoding })),
    ];
    for (const header of headers) {
      const { status, body: said, text: answer } = await caller.send(text, header);
      expect([status, said?.code], `${JSON.stringify(header)}: ${answer}`).toEqual([415, "unsupported-media-type"]);
      counts.refused += 1;
    }
  });

  it("S1: reads as many bytes as its limit, and not one more, whether their number is said or not", async () => {
    const caller = await world.callerOf(operation);
    const limit = large ? UPLOAD : 64 * KIB;
    const unknown = `{"no-such-member":1,${text.slice(1)}`;
    const ofSize = (bytes: number) => unknown + " ".repeat(bytes - Buffer.byteLength(unknown));
    for (const send of [caller.send, caller.stream]) {
      await refused("invalid-request", send(ofSize(limit - 1)));
      await refused("invalid-request", send(ofSize(limit)));
      await refused("body-too-large", send(ofSize(limit + 1)));
      counts["taken at a limit"] += 2;
      counts.refused += 1;
    }
    await stillServes(world);
  });
});

describe.each(withoutBody.map((operation) => ({ name: nameOf(operation), operation })))("$name", ({ operation }) => {
  it("S1, S2, S4, S5: refuses every body, in whatever form, of whatever type and size, and does nothing", async () => {
    const caller = await world.callerOf(operation);
    await refusesBody("no member", caller.send("{}"));
    for (const [, form, bend] of FORMS) {
      const raw = bend('{"x":1}');
      if (raw !== "") await refusesBody(form, caller.send(raw));
    }
    for (const type of TYPES) await refusesBody(type, caller.send("{}", { "content-type": type }));
    for (const encoding of ENCODINGS) await refusesBody(encoding, caller.send("{}", { "content-encoding": encoding }));
    for (const send of [caller.send, caller.stream])
      for (const bytes of [1, 64 * KIB + 1, UPLOAD + 1]) await refusesBody(`${bytes} bytes`, send(" ".repeat(bytes)));
    counts.operations += 1;
    await stillServes(world);
  });
});

/** By a refusal that its contract declares. */
async function refusesBody(form: string, answer: Promise<ApiAnswer>): Promise<void> {
  const { status, body, text } = await answer;
  expect([status, body?.code, body?.detail], `${form}: ${text}`).toEqual([
    400,
    "invalid-request",
    "the operation takes no body",
  ]);
  counts.refused += 1;
}

describe("S3: integers that no double holds, where any member may be", () => {
  it.each([
    '{"bundle":{"keys":[9007199254740993]}}',
    '{"bundle":{"keys":[],"spiffe_sequence":9223372036854775807,"x":[-9223372036854775808]}}',
    '{"bundle":{"keys":[{"kty":9007199254740993,"use":9007199254740993}]}}',
    '{"jwk":{"kty":9007199254740993}}',
    '{"jwk":{"kty":"EC","crv":9007199254740993,"x":9007199254740993,"y":9007199254740993,"kid":9007199254740993}}',
  ])("are refused with what is around them, also when the answer is to be kept: %s", async (raw) => {
    const upload = withBody.find(({ path }) => path.endsWith("/authorities"));
    if (!upload) throw new Error("nothing takes an upload");
    const caller = await world.callerOf(upload);
    for (const headers of [{}, { "idempotency-key": `key-${counts.refused}` }]) {
      const { status, text } = await caller.send(raw, headers);
      expect(status, text).toBeGreaterThanOrEqual(400);
      expect(status, text).toBeLessThan(500);
      counts.refused += 1;
    }
  });
});
