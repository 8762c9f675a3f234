import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LabelRequirement, type LabelSelector, parseLabelSelector } from "../src/label-selector.ts";
import { refusalOf } from "./support/refusal-of.ts";

const parsed = (text: string) => parseLabelSelector(text);

/** Written back, each requirement in its set form. */
const written = (selector: LabelSelector, blank: string): string =>
  selector.map((requirement) => `${blank}${writtenOne(requirement, blank)}${blank}`).join(",");
function writtenOne(requirement: LabelRequirement, blank: string): string {
  if ("values" in requirement)
    return `${requirement.name} ${requirement.operator}${blank}(${requirement.values.join(`${blank},${blank}`)})`;
  return requirement.operator === "absent" ? `!${blank}${requirement.name}` : requirement.name;
}

const name = fc.stringMatching(/^[a-z0-9A-Z._/-]{1,128}$/);
const value = fc.stringMatching(/^[a-zA-Z0-9äß._:"'*;-]{0,20}$/);
const requirement = fc.oneof(
  fc.record({ name, operator: fc.constantFrom("exists", "absent") }),
  fc.record({
    name,
    operator: fc.constantFrom("in", "notin"),
    values: fc.array(value, { minLength: 1, maxLength: 5 }),
  }),
);

describe("a label selector", () => {
  it("reads as Kubernetes has it", () => {
    expect(parsed("env=prod,tier!=db,region,!legacy")).toEqual([
      { name: "env", operator: "in", values: ["prod"] },
      { name: "tier", operator: "notin", values: ["db"] },
      { name: "region", operator: "exists" },
      { name: "legacy", operator: "absent" },
    ]);
    expect(parsed("env in (prod, test),tier notin(db),zone==a")).toEqual([
      { name: "env", operator: "in", values: ["prod", "test"] },
      { name: "tier", operator: "notin", values: ["db"] },
      { name: "zone", operator: "in", values: ["a"] },
    ]);
  });

  it("is empty of requirements where it is empty", () => {
    expect(parsed("")).toEqual([]);
    expect(parsed(" \t\n")).toEqual([]);
  });

  it("takes a value that is empty, and names that are operators elsewhere", () => {
    expect(parsed("x=,y in (),in in (in,,notin)")).toEqual([
      { name: "x", operator: "in", values: [""] },
      { name: "y", operator: "in", values: [""] },
      { name: "in", operator: "in", values: ["in", "", "notin"] },
    ]);
  });

  it("compares values in NFC, as labels are kept (S6)", () => {
    expect(parsed("city=Ko\u0308ln")).toEqual([{ name: "city", operator: "in", values: ["Köln"] }]);
  });

  it.each([
    ["a=b||c=d"],
    ["a==b==c"],
    ["!a=b"],
    ["a<b"],
    ["a>1"],
    ["=b"],
    ["!"],
    [","],
    ["a,"],
    [",a"],
    ["a b"],
    ["a=b c"],
    ["a in"],
    ["a in b"],
    ["a in (b"],
    ["a in (b c)"],
    ["a in (b))"],
    ["a notin (b),"],
    ["a within (b)"],
    ["ä=b"],
    [`${"x".repeat(129)}=b`],
    [Array(17).fill("a").join(",")],
  ])("invalid-label-selector: %s", (text) => {
    expect(refusalOf(() => parsed(text))).toMatchObject({
      code: "invalid-label-selector",
      pointer: "/labelSelector",
    });
  });

  it("invalid-text: a value with a hidden character (S6)", () => {
    expect(refusalOf(() => parsed("a=b\u0000"))).toMatchObject({ code: "invalid-text", pointer: "/labelSelector" });
  });

  it("written back with blanks or without, reads the same", () => {
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 16 }), fc.constantFrom("", " ", "\t\n"), (selector, blank) => {
        expect(parsed(written(selector as LabelSelector, blank))).toEqual(selector);
      }),
    );
  });

  it("of any text is read or refused, and nothing else", () => {
    const token = fc.constantFrom(
      "a",
      "in",
      "notin",
      "=",
      "==",
      "!=",
      "!",
      "(",
      ")",
      ",",
      " ",
      "<",
      ">",
      "é",
      "\u0000",
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
        try {
          expect(parsed(tokens.join("")).length).toBeLessThanOrEqual(16);
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^invalid-(?:label-selector|text)$/);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
