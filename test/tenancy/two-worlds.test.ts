import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testCa } from "../support/test-ca.ts";
import { type Act, everyChange, someActs } from "./acts.ts";
import { DELETES_MESH, operationOf } from "./operations.ts";
import { butDirectory, of, play, type Seen, type Stage, type TenantName } from "./play.ts";

/** ENTENTE_LONG=1 looks for what few runs do not find. */
const LONG = process.env.ENTENTE_LONG === "1";
const RUNS = LONG ? 500 : 1;
/** A failure found in time is shrunk for as long. */
const LIMIT_MS = LONG ? 3_600_000 : 60_000;
/** A campaign that is interrupted before has found nothing out. */
const LEAST_PAIRS = LONG ? 50_000 : 150;
/** Many of a few acts, of which a failure can be shrunk; or all that must come, once. */
const SCENARIO = LONG ? someActs : everyChange;
/** Another each day, and the same again by TWO_WORLDS_SEED. */
const SEED = Number(process.env.TWO_WORLDS_SEED ?? new Date().toISOString().slice(0, 10).replaceAll("-", ""));

const ca = (trustDomain: string) => testCa({ trustDomain, kind: "p256" });
const own = { a: [1, 2, 3].map(() => ca("a.example")), b: [1, 2, 3].map(() => ca("b.example")) };
/** C also comes with what A and B hold: certificates are public. */
const CAS: Record<TenantName, ReturnType<typeof ca>[]> = { ...own, c: [ca("c.example"), ...own.a, ...own.b] };

const NOTHING = { acts: [], endings: [] };

/** @returns how many answers were compared */
function expectSame(beside: readonly Seen[], without: readonly Seen[]): number {
  expect(beside.map(({ asked }) => asked)).toEqual(without.map(({ asked }) => asked));
  for (const [index, one] of without.entries()) expect(beside[index], one.asked).toEqual(one);
  return without.length;
}

describe("S21: two worlds, with and without a third tenant", () => {
  it.each<[string, Stage, readonly TenantName[]]>([
    ["A and B are answered the same, whatever an unlisted stranger C does between", { third: "unrelated" }, ["a", "b"]],
    ["B is answered the same, whatever C does that A federates with", { third: "peer of a" }, ["b"]],
    [
      "A and B are answered the same, whatever a listed C does that the owner of A's trust domain federates with",
      { third: "listed peer of the owner", isOwned: true },
      ["a", "b"],
    ],
  ])(
    "%s",
    async (name, stage, whom) => {
      let pairs = 0;
      await fc.assert(
        fc.asyncProperty(SCENARIO, async (drawn) => {
          // A mesh that has federations is not deleted: whether A is there must not depend on whether C is.
          const deletes = (act: Act) => operationOf(act) === DELETES_MESH;
          const kept = (acts: readonly Act[]) =>
            stage.third === "peer of a" ? acts.filter((act) => !deletes(act)) : acts;
          const all = { acts: kept(drawn.acts), endings: kept(drawn.endings) };
          const without = await play(all, { ...stage, third: "absent" }, CAS);
          const beside = await play(all, stage, CAS);
          const compared = (seen: readonly Seen[]) =>
            stage.third.startsWith("listed") ? butDirectory(of(seen, whom)) : of(seen, whom);
          pairs += expectSame(compared(beside), compared(without));
        }),
        {
          numRuns: RUNS,
          seed: SEED,
          endOnFailure: !LONG,
          interruptAfterTimeLimit: LIMIT_MS,
          markInterruptAsFailure: false,
        },
      );
      console.log(`TWO_WORLDS_SEED=${SEED}: ${pairs} pairs of answers compared, "${name}"`);
      expect(pairs).toBeGreaterThan(LEAST_PAIRS);
    },
    3 * LIMIT_MS,
  );

  it("of a listed mesh the directory tells, and nothing else does", async () => {
    const without = of(await play(NOTHING, { third: "absent" }, CAS), ["a", "b"]);
    const beside = of(await play(NOTHING, { third: "listed" }, CAS), ["a", "b"]);
    expect(beside.map(({ asked }) => asked)).toEqual(without.map(({ asked }) => asked));
    const differing = without.filter((one, index) => !isDeepStrictEqual(beside[index], one));
    expect(new Set(differing.map(({ asked }) => asked))).toEqual(new Set(["GET /v1/directory"]));
  });

  it.each<[string, Partial<Stage>]>([
    ["what it has with the owner of A's trust domain", { third: "listed peer of the owner" }],
    ["that it is suspended", { isSuspended: true }],
  ])("of a mesh that A has proposed to, and that has not answered, nobody is told %s", async (_, more) => {
    const stage: Stage = { third: "listed", isOwned: true, isAsked: true };
    const without = await play(NOTHING, stage, CAS);
    const beside = await play(NOTHING, { ...stage, ...more }, CAS);
    expectSame(of(beside, ["a", "b"]), of(without, ["a", "b"]));
  });
});
