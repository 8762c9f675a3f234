import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RefusalClass, refusalTally, SINGLY_PER_MINUTE } from "../../../src/features/audit/refusals.ts";
import { MINUTE_MS } from "../../../src/time.ts";

const times = (count: number, act: () => boolean) => Array.from({ length: count }, act).filter(Boolean).length;

describe("refusals of known callers (S70)", () => {
  test("are events of their own 60 times a minute a token; the rest is counted", () => {
    const tally = refusalTally();
    expect(SINGLY_PER_MINUTE).toBe(60);
    expect(times(100, () => tally.admits("tok_1", 1))).toBe(60);
    expect(tally.take()).toEqual({ "over-limit": 40 });
  });

  test("of one token take nothing from another", () => {
    const tally = refusalTally();
    times(100, () => tally.admits("tok_1", 1));
    expect(times(60, () => tally.admits("tok_2", 1))).toBe(60);
  });

  test("are admitted anew with the next minute", () => {
    const tally = refusalTally();
    times(60, () => tally.admits("tok_1", MINUTE_MS - 1));
    expect([tally.admits("tok_1", MINUTE_MS - 1), tally.admits("tok_1", MINUTE_MS)]).toEqual([false, true]);
  });

  test("never fill the log: of any flood, 60 a token and minute are admitted and the others counted, none lost", () => {
    const attempt = fc.record({ caller: fc.constantFrom("a", "b"), wait: fc.integer({ min: 0, max: 400 }) });
    fc.assert(
      fc.property(fc.array(attempt, { minLength: 50, maxLength: 400, size: "max" }), (attempts) => {
        const tally = refusalTally();
        const admitted = new Map<string, number>();
        let now = 0;
        for (const { caller, wait } of attempts) {
          now += wait;
          const key = `${caller} ${Math.floor(now / MINUTE_MS)}`;
          if (tally.admits(caller, now)) admitted.set(key, (admitted.get(key) ?? 0) + 1);
        }
        const singly = [...admitted.values()];
        expect(Math.max(0, ...singly)).toBeLessThanOrEqual(60);
        const counted = tally.take()["over-limit"] ?? 0;
        expect(singly.reduce((sum, count) => sum + count, 0) + counted).toBe(attempts.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe("what is counted (S70)", () => {
  test("is said once, by class, and then starts anew", () => {
    const kind = fc.constantFrom<RefusalClass>("unauthenticated", "invalid-request", "over-limit", "nothing-to-change");
    fc.assert(
      fc.property(fc.array(fc.tuple(kind, fc.integer({ min: 1, max: 9 }))), (counts) => {
        const tally = refusalTally();
        const expected: Record<string, number> = {};
        for (const [one, number] of counts) {
          tally.count(one, number);
          expected[one] = (expected[one] ?? 0) + number;
        }
        expect(tally.take()).toEqual(expected);
        expect(tally.take()).toEqual({});
      }),
    );
  });

  test("of nothing is nothing: no class stands there with a zero", () => {
    const tally = refusalTally();
    tally.count("bundle-endpoint", 0);
    expect(tally.take()).toEqual({});
    tally.count("unauthenticated");
    expect(tally.take()).toEqual({ unauthenticated: 1 });
  });
});
