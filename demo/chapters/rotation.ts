import { setTimeout as sleep } from "node:timers/promises";
import type { Authority } from "../../src/client/schemas.ts";
import { curlLine } from "../curl.ts";
import { askingHolders, moving, publishing } from "../joining.ts";
import type { CallCount } from "../mesh/steady-calls.ts";
import type { MeshProcess } from "../mesh-process.ts";
import { ask, done, type World } from "../world.ts";
import type { Cast } from "./meshes.ts";

export const EVERY_MS = 50;
const PATIENCE_MS = 10_000;

const state = ({ state: shown }: Authority): string => shown;

/** shop replaces its CA in the safe order while three workloads keep calling. Returns what became of the calls. */
export async function rotateSafely(world: World, cast: Cast): Promise<CallTotals> {
  const shop = cast.shop.mesh;
  const bank = cast.bank.mesh;
  const depot = cast.depot.mesh;
  world.stage.chapter(
    "A CA is replaced, and nobody notices",
    `shop rotates its CA while shop calls bank, bank calls shop and depot calls shop, each every ${EVERY_MS} ms over a new connection.`,
  );
  const callers: [MeshProcess, MeshProcess][] = [
    [shop, bank],
    [bank, shop],
    [depot, shop],
  ];
  for (const [from, to] of callers) await from.ask("startCalls", { callee: to.callee, everyMs: EVERY_MS });

  const { rootPem } = await shop.ask("makeNextAuthority", {});
  const uploaded = await ask(
    world,
    "Prepare: shop publishes its next root beside the old one; nothing is signed by it yet",
    publishing(shop, rootPem, "next-root"),
    "201 prepared",
    ({ authorities }) => authorities.map(state).join(),
  );
  const [next] = uploaded.authorities;
  if (!next) throw new Error("shop has no next authority");
  await untilHeld(
    world,
    "May shop sign with it? The ledger says who has fetched it: wait for all",
    shop,
    "bank, depot",
  );
  await ask(
    world,
    "Activate: now every consumer knows the next root",
    moving(shop, next, "active"),
    "200 active",
    state,
  );
  await world.stage.step({
    title: "shop's workloads get SVIDs of the new CA",
    expected: "2 workloads",
    act: async () => ({ actual: `${(await shop.ask("issueFromNext", {})).issued} workloads`, value: undefined }),
  });
  await ask(world, "The old CA signs no more", moving(shop, cast.shop.authority, "retiring"), "200 retiring", state);
  await ask(
    world,
    "Retire: no SVID of the old CA is left, so its root leaves the bundle",
    moving(shop, cast.shop.authority, "retired"),
    "200 retired",
    state,
  );
  await untilHeld(world, "Every consumer has let go of the old root", shop, "bank, depot");
  return world.stage.step({
    title: "Calls that failed during the rotation",
    expected: "0",
    async act() {
      const counts = await Promise.all(callers.map(([from]) => from.ask("stopCalls", {})));
      return failed(counts);
    },
  });
}

/** What became of several series of calls together. */
export interface CallTotals {
  readonly calls: number;
  readonly failures: number;
}

/** `actual` is how many failed. @throws {Error} when there were none that could */
export function failed(counts: readonly CallCount[]): { actual: string; note: string; value: CallTotals } {
  const sum = (member: "calls" | "failures") => counts.reduce((total, count) => total + count[member], 0);
  const totals = { calls: sum("calls"), failures: sum("failures") };
  if (totals.calls === 0) throw new Error("there were no calls");
  const reasons = new Set(counts.flatMap((count) => Object.keys(count.reasons)));
  return { actual: String(totals.failures), note: [inWords(totals), ...reasons].join("; "), value: totals };
}

export const inWords = ({ calls, failures }: CallTotals): string => `${failures} of ${calls} calls failed`;

/** Waits until the ledger says that each of the consumers holds what `provider` publishes now. */
async function untilHeld(world: World, title: string, provider: MeshProcess, consumers: string): Promise<void> {
  const asking = askingHolders(provider);
  await world.stage.step({
    title,
    command: curlLine(asking),
    expected: consumers,
    async act() {
      const until = Date.now() + PATIENCE_MS;
      for (let waiting = ""; ; ) {
        const { deliveries } = await done(world, asking);
        const namesOf = (current: boolean) =>
          deliveries
            .filter((entry) => entry.current === current)
            .map(({ meshId }) => meshId)
            .sort()
            .join(", ");
        const actual = namesOf(true);
        if (actual === consumers || Date.now() > until) {
          return { actual, ...(waiting === "" ? {} : { note: `at first not yet: ${waiting}` }), value: undefined };
        }
        waiting ||= namesOf(false);
        await sleep(100);
      }
    },
  });
}
