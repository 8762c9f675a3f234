import { afterAll, describe, expect, it } from "vitest";
import { UNLIMITED } from "../api/api-fixture.ts";
import { runBroker } from "../support/running-broker.ts";
import { hostileWorld, stillServes } from "./caller.ts";
import { nameOf, operations, typesOf } from "./contract.ts";
import { printCounts } from "./counts.ts";
import { bodiesOf } from "./sample.ts";

const broker = await runBroker(UNLIMITED);
const world = await hostileWorld(broker);
const counts = { operations: 0, "in paths": 0, "in queries": 0, "in headers": 0 };
afterAll(async () => {
  await broker.remove();
  printCounts("hostile parameters of operations", counts);
});

/** Percent-encoded already. No ID and no name is one of these. */
const IN_PATHS = [
  ["%00", "NUL"],
  ["shop%00", "NUL after a name"],
  ["%0a", "a line feed"],
  ["%0d%0aX:%20y", "a header"],
  ["%e2%80%ae", "a turn of direction"],
  ["%ff", "no UTF-8"],
  ["%c0%af", "an overlong slash"],
  ["%ed%a0%80", "a surrogate"],
  ["%f4%bf%bf%bf", "beyond Unicode"],
  ["%", "half an escape"],
  ["%zz", "no escape"],
  ["%25", "a percent sign"],
  ["..", "dots"],
  ["..%2f..%2fetc", "dots and slashes"],
  ["a%2fb", "a slash"],
  ["shop%20", "a space after a name"],
  ["SHOP", "capital letters"],
  ["__proto__", "the prototype"],
  ["constructor", "the constructor"],
  ["'%20or%20''='", "SQL"],
  ["9007199254740993", "a number that no double holds"],
  ["-1", "a number below zero"],
  ["1e3", "an exponent"],
  ["a".repeat(300), "300 letters"],
  ["a".repeat(600), "600 letters"],
  ["%f0%9f%98%80".repeat(100), "100 faces"],
] as const;

const WRONG = {
  integer: [
    "x",
    "",
    "1.5",
    "-1",
    "9007199254740993",
    "1e400",
    "1e3",
    "0x10",
    "%201",
    "+1",
    "%00",
    "1%00",
    "NaN",
    "[1]",
    "%ef%bc%91",
  ],
  boolean: ["maybe", "", "TRUE", "yes", "%00", "truetrue"],
} as const;
const IN_TEXTS = [
  "%00",
  "%0a",
  "%e2%80%ae",
  "%ff",
  "%ed%a0%80",
  "%",
  "%zz",
  "'",
  "%25",
  "x".repeat(5_000),
  "__proto__",
  "a&a=b",
];
const IN_HEADERS = ["\xff\xfe", "a\tb", "{}", "'; drop table event; --", "x".repeat(4_000), '""""'];
const HEADERS = ["if-match", "if-none-match", "idempotency-key", "authorization", "range", "x-http-method-override"];

describe.each(operations.map((operation) => ({ name: nameOf(operation), operation })))("$name", ({ operation }) => {
  const body = JSON.stringify(operation.body ? bodiesOf(operation.body)[0] : undefined);
  const of = (where: string) => operation.parameters.filter((parameter) => parameter.in === where);

  it("S16: finds nothing under an ID that is none", async () => {
    const caller = await world.callerOf(operation);
    for (const { name } of of("path")) {
      for (const [value, what] of IN_PATHS) {
        const { status, text } = await caller.send(body ?? "", {}, caller.path({ [name]: value }));
        expect([400, 404, 405], `${name}: ${what}: ${text}`).toContain(status);
        expect(text).not.toMatch(/\bat \w+ \(|SQLITE|select /i);
        counts["in paths"] += 1;
      }
    }
    counts.operations += 1;
  });

  it("S5: takes no value of a query that its schema does not, and none that breaks it", async () => {
    const caller = await world.callerOf(operation);
    for (const { name, schema } of of("query")) {
      const types = typesOf(schema);
      const typed = (["integer", "boolean"] as const).filter((type) => types.has(type)).flatMap((type) => WRONG[type]);
      for (const value of typed.length > 0 ? typed : IN_TEXTS) {
        const { status, text } = await caller.send(body ?? "", {}, `${caller.path()}?${name}=${value}`);
        if (typed.length > 0) expect(status, `${name}=${value} ${text}`).toBe(400);
        expect(status, `${name}=${value} ${text}`).toBeLessThan(500);
        counts["in queries"] += 1;
      }
    }
  });

  it("S25, S31, S56: breaks on no header", async () => {
    const caller = await world.callerOf(operation);
    for (const header of HEADERS) {
      for (const value of IN_HEADERS) {
        // Nothing of a body is right, so that whatever else is asked changes nothing.
        const { status, text, headers } = await caller.send("[]", { [header]: value });
        expect(status, `${header}: ${value} ${text}`).toBeLessThan(500);
        expect(`${text}${JSON.stringify(headers)}`).not.toContain("drop table");
        counts["in headers"] += 1;
      }
    }
    await stillServes(world);
  });
});
