import { afterAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { parseJson } from "../../src/json/parse-json.ts";
import { refused, UNLIMITED } from "../api/api-fixture.ts";
import { refusalOf } from "../support/refusal-of.ts";
import { registerMesh, runBroker } from "../support/running-broker.ts";
import { printCounts } from "./counts.ts";
import { type Fate, free } from "./json-suite/free.ts";
import { refusedStructures } from "./json-suite/refused-structures.ts";
import { refusedTexts } from "./json-suite/refused-texts.ts";
import { refusedValues } from "./json-suite/refused-values.ts";
import { taken } from "./json-suite/taken.ts";

/** Two objects have a member twice, which RFC 8259 allows and R90 does not. */
const ALSO_REFUSED = new Set(["y_object_duplicated_key", "y_object_duplicated_key_and_value"]);
/** The depth is what is told of these first. */
const TOO_DEEP = new Set(["n_structure_100000_opening_arrays", "n_structure_open_array_object"]);

const bytesOf = (text: string) => Buffer.from(text, "latin1");
const valid = Object.entries(taken).filter(([name]) => !ALSO_REFUSED.has(name));
const invalid = Object.entries({ ...refusedValues, ...refusedTexts, ...refusedStructures });
const codeOf = (name: string): Exclude<Fate, "taken"> => (TOO_DEEP.has(name) ? "too-complex" : "invalid-json");
const leftOpen = Object.entries(free).map(([name, [fate, text]]) => [name, fate, text] as const);

const broker = await runBroker(UNLIMITED);
const mesh = await registerMesh(broker, "shop");
const counts = { taken: 0, refused: 0, pinned: 0 };
afterAll(async () => {
  await broker.remove();
  printCounts("JSONTestSuite, by the parser and by the admin API", counts);
});

const send = (raw: Buffer) => broker.api("POST", `/v1/meshes/${mesh.meshId}/authorities`, { token: mesh.token, raw });
/** The text is a member that no rule looks at, of a bundle that brings nothing. */
const inBundle = (text: string) => send(bytesOf(`{"bundle":{"keys":[],"case":${text}}}`));
const refusedTwice = async (code: ErrorCode, text: string) => {
  expect(refusalOf(() => parseJson(bytesOf(text))).code).toBe(code);
  await refused(code, send(bytesOf(text)));
};

describe("S2: JSONTestSuite by its names, read by the one parser and sent to the admin API", () => {
  it("has all of its cases: 95 that are JSON, 188 that are not, 35 that RFC 8259 leaves open", () => {
    const begin = (letter: string) => (name: string) => name.startsWith(`${letter}_`);
    const names = [...Object.keys(taken), ...invalid.map(([name]) => name), ...Object.keys(free)];
    expect(["y", "n", "i"].map((letter) => names.filter(begin(letter)).length)).toEqual([95, 188, 35]);
    expect(new Set(names).size).toBe(318);
  });

  it.each(valid)("%s is taken, and means what it says", async (_name, text) => {
    expect(parseJson(bytesOf(text))).toEqual(JSON.parse(bytesOf(text).toString("utf8")));
    await refused("nothing-to-register", inBundle(text));
    counts.taken += 1;
  });

  it.each([...ALSO_REFUSED])("R90: %s is refused", async (name) => {
    await refusedTwice("duplicate-member", taken[name] as string);
    counts.refused += 1;
  });

  it.each(invalid)("%s is refused", async (name, text) => {
    await refusedTwice(codeOf(name), text);
    counts.refused += 1;
  });

  it.each(leftOpen)("%s: %s", async (_name, fate, text) => {
    if (fate === "taken") {
      expect(parseJson(bytesOf(text))).toEqual(JSON.parse(text));
      await refused("nothing-to-register", inBundle(text));
    } else await refusedTwice(fate, text);
    counts.pinned += 1;
  });
});
