import { describe, expect, it } from "vitest";
import { takingTurns } from "../../src/store/turns.ts";

/** A change that ends when it is told to. */
function held() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { end, change: () => ended };
}
const OVERLOADED = { code: "overloaded", extra: { retryAfterSeconds: 1 } };

describe("L18: turns of changes", () => {
  it("come in the order in which they were asked for, so many at once", async () => {
    const turns = takingTurns({ atOnce: 2, inFlight: 10, waitMs: 60_000 });
    const begun: number[] = [];
    const holding = [held(), held(), held(), held()];
    const all = holding.map(({ change }, index) =>
      turns.take(() => {
        begun.push(index);
        return change();
      }),
    );
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1]);
    holding[1]?.end();
    await all[1];
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1, 2]);
    for (const { end } of holding) end();
    await Promise.all(all);
    expect(begun).toEqual([0, 1, 2, 3]);
  });

  it("are refused to one too many at once, and are there again when one has ended", async () => {
    const turns = takingTurns({ atOnce: 1, inFlight: 2, waitMs: 60_000 });
    const [first, second] = [held(), held()];
    const both = [turns.take(first.change), turns.take(second.change)];
    await expect(turns.take(async () => {})).rejects.toMatchObject(OVERLOADED);
    first.end();
    await both[0];
    const third = turns.take(async () => "done");
    second.end();
    expect(await third).toBe("done");
    await both[1];
  });

  it("are given up after the wait, and what was given up is never begun", async () => {
    const turns = takingTurns({ atOnce: 1, inFlight: 10, waitMs: 20 });
    const first = held();
    const holding = turns.take(first.change);
    let begun = false;
    await expect(
      turns.take(async () => {
        begun = true;
      }),
    ).rejects.toMatchObject(OVERLOADED);
    first.end();
    await holding;
    expect(await turns.take(async () => "the next")).toBe("the next");
    expect(begun).toBe(false);
  });

  it("come back from a change that fails", async () => {
    const turns = takingTurns({ atOnce: 1, inFlight: 1, waitMs: 20 });
    await expect(turns.take(() => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
    expect(await turns.take(async () => "done")).toBe("done");
  });
});
