import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dueStep, isUnderWay, nextStep, type OwnCa, spreadMs } from "../../src/identity/ca-rollover.ts";
import { LONGEST_LIFE_MS } from "../../src/identity/svid.ts";
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS } from "../../src/time.ts";

const NOW = Date.UTC(2026, 10, 24, 12);
const LIFE_MS = 3_600 * DAY_MS;
const HINT = 300;

const ca = (state: string, changedAt = NOW, notAfter = changedAt + LIFE_MS): OwnCa => ({
  state,
  changedAt,
  notBefore: changedAt,
  notAfter,
});

/** Lives through a roll-over by its rule alone: a look at each of `looks`, in order; what was done, and when. */
function live(looks: readonly EpochMs[], hint: number): { kind: string; at: EpochMs; cas: OwnCa[] }[] {
  let cas = [ca("active", NOW), ca("prepared", NOW)];
  const done = [{ kind: "start", at: NOW, cas }];
  for (const at of looks) {
    const step = dueStep(cas, hint, at);
    if (!step || step.kind === "start") continue;
    const moved = (one: OwnCa): OwnCa => {
      if (one === step.ca) return { ...one, state: step.kind === "activate" ? "active" : "retired", changedAt: at };
      return step.kind === "activate" && one.state === "active" ? { ...one, state: "retiring", changedAt: at } : one;
    };
    cas = cas.map(moved);
    done.push({ kind: step.kind, at, cas });
  }
  return done;
}

describe("a roll-over of the broker's CA", () => {
  it("is not begun while more than a third of the CA's life is left, and is at that instant", () => {
    const third = NOW + (LIFE_MS * 2) / 3;
    expect(nextStep([ca("active")], HINT)).toEqual({ step: { kind: "start" }, at: third });
    expect(dueStep([ca("active")], HINT, third - 1)).toBeUndefined();
    expect(dueStep([ca("active")], HINT, third)).toEqual({ kind: "start" });
  });

  it("lets the prepared CA issue after five refresh hints, and never before five minutes", () => {
    for (const [hint, waitMs] of [
      [1, 5 * MINUTE_MS],
      [60, 5 * MINUTE_MS],
      [300, 25 * MINUTE_MS],
      [86_400, 5 * DAY_MS],
    ] as const) {
      const cas = [ca("active"), ca("prepared")];
      expect(spreadMs(hint)).toBe(waitMs);
      expect(dueStep(cas, hint, NOW + waitMs - 1)).toBeUndefined();
      expect(dueStep(cas, hint, NOW + waitMs)).toEqual({ kind: "activate", ca: cas[1] });
    }
  });

  it("retires the old CA when nothing that it issued can be valid, an hour for slow servers included", () => {
    const cas = [ca("active"), ca("retiring")];
    const spent = NOW + HOUR_MS + LONGEST_LIFE_MS;
    expect(dueStep(cas, HINT, spent - 1)).toBeUndefined();
    expect(dueStep(cas, HINT, spent)).toEqual({ kind: "retire", ca: cas[1] });
  });

  it("retires one that ends sooner at its end, but after five refresh hints", () => {
    const ending = [ca("active"), ca("retiring", NOW, NOW + DAY_MS)];
    expect(nextStep(ending, HINT)?.at).toBe(NOW + DAY_MS);
    const ended = [ca("active"), ca("retiring", NOW, NOW - DAY_MS)];
    expect(nextStep(ended, HINT)?.at).toBe(NOW + spreadMs(HINT));
  });

  it("retires one after the other, the first to be spent first", () => {
    const cas = [ca("active"), ca("retiring", NOW), ca("retiring", NOW - DAY_MS)];
    expect(nextStep(cas, HINT)?.step).toEqual({ kind: "retire", ca: cas[2] });
  });

  it("has nothing to do where no CA issues", () => {
    expect(nextStep([], HINT)).toBeUndefined();
    expect(nextStep([ca("retired")], HINT)).toBeUndefined();
  });

  it("is under way from the prepared CA to the end of the retiring one", () => {
    expect(isUnderWay([ca("active")])).toBe(false);
    expect(isUnderWay([ca("active"), ca("retired")])).toBe(false);
    expect(isUnderWay([ca("active"), ca("prepared")])).toBe(true);
    expect(isUnderWay([ca("active"), ca("retiring")])).toBe(true);
  });

  it("whenever it is looked at: each step once and in order, one CA issues at any time, and both are published long enough", () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 3 * DAY_MS }), { minLength: 60, maxLength: 120 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 86_400 }), (waits, hint) => {
        let at = NOW;
        const looks = waits.map((ms) => {
          at += ms;
          return at;
        });
        const done = live(looks, hint);
        expect(["start", "activate", "retire"]).toEqual(expect.arrayContaining(done.map(({ kind }) => kind)));
        expect(new Set(done.map(({ kind }) => kind)).size).toBe(done.length);
        for (const { cas } of done) expect(cas.filter(({ state }) => state === "active")).toHaveLength(1);
        for (const [index, { at: then }] of done.slice(1).entries())
          expect(then - (done[index]?.at ?? then)).toBeGreaterThanOrEqual(5 * hint * 1_000);
        if (at > NOW + 50 * DAY_MS) expect(done.map(({ kind }) => kind)).toEqual(["start", "activate", "retire"]);
      }),
    );
  });
});
