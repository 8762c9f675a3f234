import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testCa } from "../support/test-ca.ts";
import { type Act, anyAct } from "./acts.ts";
import { operationOf } from "./perform.ts";
import { of, play, type TenantName, type Third } from "./play.ts";

/** ENTENTE_LONG=1 looks for what few runs do not find. */
const LONG = process.env.ENTENTE_LONG === "1";
const RUNS = LONG ? 500 : 1;
/** A failure found in time is shrunk for as long; an unfinished campaign is no failure. */
const LIMIT_MS = LONG ? 3_600_000 : 40_000;

const ca = (trustDomain: string) => testCa({ trustDomain, kind: "p256" });
const own = { a: [1, 2, 3].map(() => ca("a.example")), b: [1, 2, 3].map(() => ca("b.example")) };
/** C also comes with what A and B hold: certificates are public. */
const CAS: Record<TenantName, ReturnType<typeof ca>[]> = { ...own, c: [ca("c.example"), ...own.a, ...own.b] };

describe("S21: two worlds, with and without a third tenant", () => {
  it.each<[string, Third, readonly TenantName[]]>([
    ["A and B are answered the same, whatever an unlisted stranger C does between", "unrelated", ["a", "b"]],
    ["B is answered the same, whatever C does that A federates with", "peer of a", ["b"]],
  ])(
    "%s",
    async (_, third, whom) => {
      const acts = fc.array(anyAct, { minLength: 20, maxLength: 60, size: "max" });
      await fc.assert(
        fc.asyncProperty(acts, async (drawn) => {
          // A mesh that has federations is not deleted: whether A is there must not depend on whether C is.
          const deletes = (act: Act) => operationOf(act) === "DELETE /v1/meshes/{meshId}";
          const all = third === "peer of a" ? drawn.filter((act) => !deletes(act)) : drawn;
          const without = of(await play(all, "absent", CAS), whom);
          const beside = of(await play(all, third, CAS), whom);
          expect(beside.map(({ asked }) => asked)).toEqual(without.map(({ asked }) => asked));
          for (const [index, one] of without.entries()) expect(beside[index], one.asked).toEqual(one);
        }),
        {
          numRuns: RUNS,
          // The same few in every run of CI; a campaign looks further.
          ...(LONG ? {} : { seed: 20261125 }),
          endOnFailure: !LONG,
          interruptAfterTimeLimit: LIMIT_MS,
          markInterruptAsFailure: false,
        },
      );
    },
    3 * LIMIT_MS,
  );

  it("of a listed mesh the directory tells, and nothing else does", async () => {
    const without = of(await play([], "absent", CAS), ["a", "b"]);
    const beside = of(await play([], "listed", CAS), ["a", "b"]);
    expect(beside.map(({ asked }) => asked)).toEqual(without.map(({ asked }) => asked));
    const differing = without.filter((one, index) => !isDeepStrictEqual(beside[index], one));
    expect(new Set(differing.map(({ asked }) => asked))).toEqual(new Set(["GET /v1/directory"]));
  });
});
