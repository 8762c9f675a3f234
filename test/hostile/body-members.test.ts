import { afterAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { UNLIMITED } from "../api/api-fixture.ts";
import { runBroker } from "../support/running-broker.ts";
import { hostileWorld, stillServes } from "./caller.ts";
import { choices, type JsonType, nameOf, operations, type Schema, typesOf } from "./contract.ts";
import { printCounts } from "./counts.ts";
import { bodiesOf, type Member, membersOf, pointerOf, replaced } from "./sample.ts";

const broker = await runBroker(UNLIMITED);
const world = await hostileWorld(broker);
const counts = { operations: 0, members: 0, refused: 0, "taken as they should be": 0 };
afterAll(async () => {
  await broker.remove();
  printCounts("request bodies with one wrong member", counts);
});

const OF_TYPE: Readonly<Record<JsonType, readonly unknown[]>> = {
  null: [null],
  boolean: [true, false],
  integer: [7],
  number: [1.5],
  string: ["7", "true", ""],
  array: [[], ["x"]],
  object: [{}, { x: 1 }],
};
const HIDDEN = ["a\u202eb", "a\u2066b", "a\0b", "a\nb", "a\u2028b", "a\u0085b", "\u200fb"];

/** The codes of what is wrong in itself, whatever there is to be named. */
const OF_FORM: readonly ErrorCode[] = [
  "invalid-request",
  "invalid-text",
  "invalid-mesh-id",
  "invalid-trust-domain",
  "invalid-pem",
  // Of what is only compared or looked up, and kept nowhere (S16).
  "not-found",
  "invalid-terms",
  "terms-changed",
  "federation-code-invalid",
  "proof-challenge-expired",
  // Asked before anything else.
  "break-glass-off",
];

/** Values of every type that the schema does not let in. An integer is a number; a text of an enumeration is not any. */
function* wrongTypes(schema: Schema): Generator<unknown> {
  const allowed = typesOf(schema);
  const open = choices(schema).some(
    ({ type, additionalProperties }) => type === "object" && additionalProperties === true,
  );
  for (const [type, values] of Object.entries(OF_TYPE)) {
    if (allowed.has(type as JsonType) || (type === "integer" && allowed.has("number"))) continue;
    if (!(open && type === "object")) yield* values;
  }
}

/** Values of the right type that are out of bounds. */
function* outOfBounds(schema: Schema): Generator<unknown> {
  for (const choice of choices(schema)) {
    if (choice.enum) yield* ["", "no-such-value", String(choice.enum[0]).toUpperCase()];
    if (choice.maxLength !== undefined && choice.maxLength < 10_000) yield "x".repeat(choice.maxLength + 1);
    if (choice.minimum !== undefined) yield choice.minimum - 1;
    if (choice.maximum !== undefined) yield choice.maximum + 1;
    if (choice.type === "integer") yield* [9_007_199_254_740_993n, -(2n ** 63n), 1e300];
    if (choice.maxItems !== undefined && choice.maxItems < 1_000) yield Array(choice.maxItems + 1).fill("x");
    if (choice.minItems !== undefined) yield Array(choice.minItems - 1).fill("x");
    if (choice.format === "date-time") yield* ["2040-01-01", "2040-02-30T00:00:00Z", "now", "2040-01-01T00:00:00"];
  }
}

/** Texts that nobody sees as they are; where a text is anything at all, they are still no name of a thing. */
const hidden = (schema: Schema): readonly string[] => (typesOf(schema).has("string") ? HIDDEN : []);

const written = (body: unknown): string =>
  JSON.stringify(body, (_, value) => (typeof value === "bigint" ? `big${value}` : value)).replaceAll(
    /"big(-?\d+)"/g,
    "$1",
  );

describe.each(
  operations.filter(({ body }) => body !== undefined).map((operation) => ({ name: nameOf(operation), operation })),
)("$name", ({ operation }) => {
  const schema = operation.body as Schema;
  const bodies = bodiesOf(schema);

  it("takes the form of the sample: what is refused below is refused for its one wrong member", async () => {
    const caller = await world.callerOf(operation);
    for (const body of bodies) {
      const { status, body: said, text } = await caller.call(body);
      expect(status, text).toBeLessThan(500);
      expect(said.code ?? "taken", text).not.toBe("invalid-request");
      counts["taken as they should be"] += 1;
    }
    counts.operations += 1;
  });

  it("S5: refuses each member of each wrong type or out of its bounds, and names it", async () => {
    const caller = await world.callerOf(operation);
    await each(bodies, schema, async (body, { path, schema: member }) => {
      for (const value of [...wrongTypes(member), ...outOfBounds(member)]) {
        const { status, body: said, text } = await caller.send(written(replaced(body, path, value)));
        const what = `${pointerOf(path)}: ${written(value)} ${text}`;
        expect([status, said?.code], what).toEqual([400, "invalid-request"]);
        expect(said.pointer, what).toMatch(new RegExp(`^${pointerOf(path)}(/|$)`));
        counts.refused += 1;
      }
    });
  });

  it("refuses a required member that is missing and one that nobody knows, at every depth", async () => {
    const caller = await world.callerOf(operation);
    await each(bodies, schema, async (body, { path, schema: member, required }) => {
      const wrong = required ? [replaced(body, path, undefined)] : [];
      if (choices(member).some(({ additionalProperties }) => additionalProperties === false))
        wrong.push(replaced(body, [...path, "no-such-member"], 1));
      for (const value of wrong) {
        const { status, body: said, text } = await caller.call(value);
        expect([status, said?.code], text).toEqual([400, "invalid-request"]);
        counts.refused += 1;
      }
    });
  });

  it("S6: takes no label whose name is none, whatever it holds", async () => {
    const caller = await world.callerOf(operation);
    await each(bodies, schema, async (body, { path, schema: member }) => {
      if (!choices(member).some(({ additionalProperties }) => typeof additionalProperties === "object")) return;
      for (const name of [...HIDDEN, "", "a b", "\u00e9", "n".repeat(129)]) {
        for (const value of ["x", 1, {}, [], true]) {
          const { status, body: said, text } = await caller.call(replaced(body, [...path, name], value));
          expect([status, said?.code], text).toEqual([400, "invalid-request"]);
          counts.refused += 1;
        }
      }
    });
  });

  it("S6: takes no text that hides or moves others, in no member", async () => {
    const caller = await world.callerOf(operation);
    await each(bodies, schema, async (body, { path, schema: member }) => {
      for (const value of hidden(member)) {
        const { status, body: said, text } = await caller.call(replaced(body, path, value));
        expect([400, 403, 404, 409, 422], text).toContain(status);
        expect(OF_FORM, `${pointerOf(path)}: ${text}`).toContain(said.code);
        counts.refused += 1;
      }
    });
    await stillServes(world);
  });
});

/** Each member of each sample, one after the other. */
async function each(
  bodies: readonly Record<string, unknown>[],
  schema: Schema,
  look: (body: Record<string, unknown>, member: Member) => Promise<void>,
): Promise<void> {
  for (const body of bodies) {
    for (const member of membersOf(schema, body)) {
      await look(body, member);
      counts.members += 1;
    }
  }
}
