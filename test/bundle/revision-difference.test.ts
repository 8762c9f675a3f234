import fc from "fast-check";
import { expect, test } from "vitest";
import { revisionDifference } from "../../src/bundle/revision-difference.ts";

const named = (...fingerprints: string[]) => fingerprints.map((fingerprint) => ({ fingerprint }));
const fingerprints = fc.uniqueArray(fc.constantFrom(..."abcdefgh"));

test("names what came and what went, in order", () => {
  expect(revisionDifference(named("b", "a", "x"), named("x", "d", "c"))).toEqual({
    added: ["c", "d"],
    removed: ["a", "b"],
  });
});

test("applied to the revision before, it gives the revision after", () => {
  fc.assert(
    fc.property(fingerprints, fingerprints, (before, after) => {
      const { added, removed } = revisionDifference(named(...before), named(...after));
      const kept = before.filter((one) => !removed.includes(one));
      expect([...kept, ...added].toSorted()).toEqual(after.toSorted());
      expect(added.some((one) => before.includes(one)) || removed.some((one) => after.includes(one))).toBe(false);
    }),
  );
});
