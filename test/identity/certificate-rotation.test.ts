import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keepIssued, renewAt } from "../../src/identity/certificate-rotation.ts";
import type { ServingCertificate } from "../../src/identity/svid.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/time.ts";
import { fakeTime } from "../support/fake-time.ts";

const NOW = Date.UTC(2026, 10, 24, 12);
/** How long a clock that fell back holds the minting (L6). */
const HOLD_MS = 10 * MINUTE_MS;

/** A keeper over certificates of `lifeMs`, each named by its number, whose issuer or taker can be made to fail. */
function keeper({ lifeMs = HOUR_MS, backdatedMs = 0 } = {}) {
  const time = fakeTime(NOW);
  const state = {
    issued: 0,
    taken: [] as string[],
    errors: [] as unknown[],
    issuerFails: false,
    takerFails: false,
    taking: Promise.resolve(),
  };
  const kept = keepIssued({
    issue: (now): ServingCertificate => {
      if (state.issuerFails) throw new Error("no entropy");
      state.issued += 1;
      return { chainPem: `#${state.issued}`, keyPem: "", notBefore: now - backdatedMs, notAfter: now + lifeMs };
    },
    async onRenew({ chainPem }) {
      await state.taking;
      if (state.takerFails) throw new Error("listener closed");
      state.taken.push(chainPem);
    },
    onError: (error) => state.errors.push(error),
    clock: time.clock,
    monotonic: time.monotonic,
    timers: time.timers,
  });
  return { time, state, kept };
}

describe("a certificate that the broker issues itself", () => {
  it("is renewed at the middle of its life", async () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 41 }), fc.integer({ min: 1, max: 2 ** 36 }), (notBefore, life) => {
        const at = renewAt(notBefore, notBefore + life);
        expect(at - notBefore).toBe(notBefore + life - at);
      }),
    );
  });

  it("is there at once, stays until half its life, then gives way to the next", async () => {
    const { time, state, kept } = keeper();
    expect(kept.first.chainPem).toBe("#1");
    await time.elapse(HOUR_MS / 2 - 1);
    expect(state.taken).toEqual([]);
    await time.elapse(1);
    expect(state.taken).toEqual(["#2"]);
    await time.elapse(HOUR_MS);
    expect(state.taken).toEqual(["#2", "#3", "#4"]);
  });

  it("is renewed in time though its half life is longer than any timer can run (24.8 days)", async () => {
    const { time, state } = keeper({ lifeMs: 90 * DAY_MS });
    await time.elapse(45 * DAY_MS - 1);
    expect(state.issued).toBe(1);
    await time.elapse(HOUR_MS);
    expect(state.taken).toEqual(["#2"]);
  });

  it("L6: is renewed within the hour after the clock jumped past its half life, or to before its beginning", async () => {
    for (const to of [NOW + 30 * DAY_MS, NOW - 30 * DAY_MS]) {
      const { time, state } = keeper({ lifeMs: 30 * DAY_MS });
      time.setClock(to);
      await time.elapse(HOUR_MS);
      expect(state.taken).toEqual(["#2"]);
    }
  });

  it("L6: is not replaced for ten minutes after the clock fell back by an hour or more, and then is", async () => {
    const { time, state } = keeper({ lifeMs: HOUR_MS, backdatedMs: MINUTE_MS });
    await time.elapse(20 * MINUTE_MS);
    time.setClock(time.clock() - HOUR_MS);
    await time.elapse(MINUTE_MS + HOLD_MS - 1);
    expect(state.taken).toEqual([]);
    await time.elapse(MINUTE_MS);
    expect(state.taken).toEqual(["#2"]);
  });

  it("L6: is not replaced at all where the clock came to itself within those ten minutes", async () => {
    const { time, state } = keeper({ lifeMs: HOUR_MS, backdatedMs: MINUTE_MS });
    time.setClock(NOW - 5 * HOUR_MS);
    await time.elapse(5 * MINUTE_MS);
    time.setClock(NOW + 5 * MINUTE_MS);
    await time.elapse(15 * MINUTE_MS);
    expect(state.taken).toEqual([]);
  });

  it("L6: is replaced at once where the clock fell back by less than an hour, to before its beginning", async () => {
    const { time, state } = keeper({ lifeMs: HOUR_MS });
    time.setClock(NOW - HOUR_MS + 2 * MINUTE_MS);
    await time.elapse(MINUTE_MS);
    expect(state.taken).toEqual(["#2"]);
  });

  it("is replaced at once when another CA issues, and then at half of its own life", async () => {
    const { time, state, kept } = keeper();
    await time.elapse(10 * MINUTE_MS);
    kept.reissue();
    await time.elapse(0);
    expect(state.taken).toEqual(["#2"]);
    await time.elapse(HOUR_MS / 2 - 1);
    expect(state.taken).toEqual(["#2"]);
    await time.elapse(1);
    expect(state.taken).toEqual(["#2", "#3"]);
  });

  it("L6: waits for the end of the ten minutes when another CA issues in them", async () => {
    const { time, state, kept } = keeper({ lifeMs: 30 * DAY_MS, backdatedMs: 2 * DAY_MS });
    time.setClock(NOW - DAY_MS);
    kept.reissue();
    await time.elapse(HOLD_MS - 1);
    expect(state.taken).toEqual([]);
    await time.elapse(1);
    expect(state.taken).toEqual(["#2"]);
    expect(time.running).toBe(1);
  });

  it("stays while the next cannot be issued, and is replaced as soon as one can", async () => {
    const { time, state } = keeper();
    state.issuerFails = true;
    await time.elapse(HOUR_MS / 2 + 65 * SECOND_MS);
    expect(state.taken).toEqual([]);
    expect(state.errors).toHaveLength(3);
    state.issuerFails = false;
    await time.elapse(30 * SECOND_MS);
    expect(state.taken).toEqual(["#2"]);
    expect(state.errors).toHaveLength(3);
  });

  it("is offered again when the listener refused it, which is told", async () => {
    const { time, state } = keeper();
    state.takerFails = true;
    await time.elapse(HOUR_MS / 2);
    expect(state.errors).toEqual([new Error("listener closed")]);
    state.takerFails = false;
    await time.elapse(30 * SECOND_MS);
    expect(state.taken).toEqual(["#3"]);
  });

  it("is issued once more when another CA issues while the listener still takes the last one over", async () => {
    const { time, state, kept } = keeper();
    let take = () => {};
    state.taking = new Promise((resolve) => {
      take = resolve;
    });
    await time.elapse(HOUR_MS / 2);
    kept.reissue();
    kept.reissue();
    expect(state.issued).toBe(2);
    take();
    await time.elapse(SECOND_MS);
    expect(state.taken).toEqual(["#2", "#3"]);
    expect(time.running).toBe(1);
  });

  it("is replaced no more once stopped, though a listener was still taking one over", async () => {
    const { time, state, kept } = keeper();
    let take = () => {};
    state.taking = new Promise((resolve) => {
      take = resolve;
    });
    await time.elapse(HOUR_MS / 2);
    kept.stop();
    take();
    await time.elapse(HOUR_MS);
    expect(state.issued).toBe(2);
    expect(time.running).toBe(0);
  });

  it("never makes the process spin, however short its life becomes", async () => {
    const { time, state } = keeper({ lifeMs: 1 });
    await time.elapse(10 * SECOND_MS);
    expect(state.issued).toBe(11);
  });

  it("throws when not even the first can be issued, and stops when told to", async () => {
    const time = fakeTime(NOW);
    const issue = (): ServingCertificate => {
      throw new Error("no CA");
    };
    const rest = { onRenew: async () => {}, onError: () => {}, ...time };
    expect(() => keepIssued({ issue, ...rest })).toThrow("no CA");
    const { time: running, kept } = keeper();
    kept.stop();
    expect(running.running).toBe(0);
  });
});
