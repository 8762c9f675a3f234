import fc from "fast-check";
import { it } from "vitest";
import { testCa } from "../support/test-ca.ts";
import { type Act, anyAct } from "./acts.ts";
import { operationOf } from "./perform.ts";
import { of, play, type Third } from "./play.ts";
import { isDeepStrictEqual } from "node:util";
it.each<[number, Third, ("a"|"b")[]]>([[-596458541, "unrelated", ["a","b"]], [-621664087, "peer of a", ["b"]]])("debug %s", async (seed, third, whom) => {
  const ca = (trustDomain: string) => testCa({ trustDomain, kind: "p256" });
  const own = { a: [1, 2, 3].map(() => ca("a.example")), b: [1, 2, 3].map(() => ca("b.example")) };
  const CAS = { ...own, c: [ca("c.example"), ...own.a, ...own.b] };
  const drawn = fc.sample(fc.array(anyAct, { minLength: 20, maxLength: 60, size: "max" }), { numRuns: 4, seed }).at(-1) as Act[];
  const acts = third === "peer of a" ? drawn.filter((act) => operationOf(act) !== "DELETE /v1/meshes/{meshId}") : drawn;
  console.log(acts?.map((a) => `${a.who} ${operationOf(a)} about ${a.about % 5}`).join("\n"));
  for (let k = 0; k < 2; k += 1) {
  const beside = of(await play(acts ?? [], third, CAS), whom);
  const without = of(await play(acts ?? [], "absent", CAS), whom);
  const first = without.findIndex((one, i) => !isDeepStrictEqual(one, beside[i]));
  console.log("FIRST", first, first < 0 ? "" : JSON.stringify(without[first]).slice(0, 3000) + "\n\n" + JSON.stringify(beside[first]).slice(0, 3000));
  }
}, 100000);
