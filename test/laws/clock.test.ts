import { describe, expect, test } from "vitest";
import { DAY_MS, HOUR_MS } from "../../src/time.ts";
import type { Shown } from "../../src/views/shown.ts";
import { openSqliteFile } from "../support/databases.ts";
import { TRUST_DOMAINS } from "./material.ts";
import type { Step } from "./steps.ts";
import { take } from "./take.ts";
import { createWorld, follow, keep, restart, type World } from "./world.ts";

async function live(world: World, ...steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    await take(world, step);
    await follow(world);
    await keep(world);
    await follow(world);
  }
}

/** What a mesh is shown of the first trust domain; its owner unless another is named. */
function shown({ publication, broker }: World, meshId = "mesh-1"): Shown {
  const poller = { pollerId: "pol", meshId, position: 0, expiresAt: null, tokenHash: "" as never };
  const seen = publication.look(poller, TRUST_DOMAINS[0] as string, broker.time.clock());
  if (typeof seen === "string") throw new Error(`${meshId} is shown nothing: ${seen}`);
  return seen;
}

const agree = { kind: "agree", proposer: 0, peer: 1, trust: "both" } as const;
const bring = (authority: number): Step => ({ kind: "contribute", mesh: 0, authority, state: undefined });
/** CAs 0, 1, 3 and 4 leave the bundle one after the other within three days; CA 5 stays. */
const endingOneByOne = async (): Promise<World> => {
  const world = await createWorld(await openSqliteFile(), () => {});
  await live(world, { kind: "register", trustDomain: 0 }, ...[5, 0, 1, 3, 4].map(bring));
  return world;
};

describe("what the clock changed before the log could say so", () => {
  test("several deadlines that pass while the log is silent: no sequence falls when it speaks, or in a new process", async () => {
    const world = await endingOneByOne();
    await live(world, { kind: "keeper", on: false }, { kind: "pass", ms: 4 * DAY_MS });
    const silent = shown(world);
    await restart(world);
    expect(shown(world).sequence).toBe(silent.sequence);
    await live(world, { kind: "keeper", on: true });
    const told = shown(world);
    expect(told.content).toBe(silent.content);
    expect(told.sequence).toBeGreaterThan(silent.sequence);
    await restart(world);
    expect(shown(world).sequence).toBe(told.sequence);
  });

  test("and when the first to speak is somebody who changes the bundle: no number has two contents", async () => {
    const world = await endingOneByOne();
    await live(world, { kind: "keeper", on: false }, { kind: "pass", ms: 4 * DAY_MS });
    const silent = shown(world);
    await live(world, bring(6));
    const told = shown(world);
    expect(told.content).not.toBe(silent.content);
    await restart(world);
    expect(shown(world).sequence).toBe(told.sequence);
    expect(told.sequence).toBeGreaterThan(silent.sequence);
  });

  test("L6: a change in a moment when the clock was wrong hides nothing for good", async () => {
    const world = await endingOneByOne();
    const before = shown(world).content;
    await live(
      world,
      { kind: "keeper", on: false },
      { kind: "set the clock", by: 30 * HOUR_MS, back: false },
      { kind: "trust domain", trustDomain: 0, refreshHintSeconds: 60, public: false },
      { kind: "trust domain", trustDomain: 0, refreshHintSeconds: 300, public: false },
      { kind: "set the clock", by: 30 * HOUR_MS, back: true },
    );
    expect(shown(world).content).not.toBe(before);
    await live(world, { kind: "keeper", on: true });
    expect(shown(world).content).toBe(before);
  });
});

describe("numbers that were given out beyond the log (R16)", () => {
  test("a clock that went forward and came back while the log was silent: a new process gives out no lower number", async () => {
    const world = await endingOneByOne();
    await live(world, { kind: "keeper", on: false }, { kind: "set the clock", by: 4 * DAY_MS, back: false });
    shown(world);
    await live(world, { kind: "set the clock", by: 4 * DAY_MS, back: true });
    const silent = shown(world);
    expect(world.ahead).not.toEqual([]);
    await restart(world);
    expect(shown(world).replies()).toEqual(silent.replies());
    await live(world, { kind: "keeper", on: true }, bring(6));
    expect(shown(world).sequence).toBeGreaterThan(silent.sequence);
  });

  test("once log and clock have passed them nothing is kept", async () => {
    const world = await endingOneByOne();
    await live(world, { kind: "keeper", on: false }, { kind: "set the clock", by: 30 * HOUR_MS, back: false });
    shown(world);
    await live(world, { kind: "set the clock", by: 30 * HOUR_MS, back: true });
    shown(world);
    expect(world.ahead).not.toEqual([]);
    await live(world, { kind: "keeper", on: true });
    await live(world, { kind: "pass", ms: 31 * HOUR_MS });
    for (const refreshHintSeconds of [60, 300] as const)
      await live(world, { kind: "trust domain", trustDomain: 0, refreshHintSeconds, public: false });
    expect(world.ahead).toEqual([]);
  });
});

describe("the end of a grant follows the terms", () => {
  const twoMeshes = async (endsIn: number | null): Promise<World> => {
    const world = await createWorld(await openSqliteFile(), () => {});
    await live(world, { kind: "register", trustDomain: 0 }, { kind: "register", trustDomain: 1 }, bring(5));
    await live(world, { ...agree, endsIn });
    expect(shown(world, "mesh-2").revision).not.toBeNull();
    return world;
  };
  const terms = (side: number, endsIn: number | null): Step => ({
    kind: "terms",
    federation: 0,
    side,
    trust: "both",
    endsIn,
  });

  test("terms that one side narrowed to end earlier end then, at the second, and the log says so", async () => {
    const world = await twoMeshes(null);
    await live(world, terms(0, 2 * HOUR_MS), { kind: "pass", ms: 2 * HOUR_MS - 1 });
    expect(shown(world, "mesh-2").revision).not.toBeNull();
    await live(world, { kind: "keeper", on: false }, { kind: "pass", ms: 1 });
    const silent = shown(world, "mesh-2");
    expect(silent.revision).toBeNull();
    await live(world, { kind: "keeper", on: true });
    expect(shown(world, "mesh-2").revision).toBeNull();
    expect(shown(world, "mesh-2").sequence).toBeGreaterThan(silent.sequence);
  });

  test("terms that both agreed to end later end later", async () => {
    const world = await twoMeshes(2 * HOUR_MS);
    await live(world, terms(0, 30 * HOUR_MS), terms(1, 30 * HOUR_MS), { kind: "pass", ms: 3 * HOUR_MS });
    expect(shown(world, "mesh-2").revision).not.toBeNull();
  });

  test("terms that were agreed anew before the log knew of the end are a re-grant above the tombstone", async () => {
    const world = await twoMeshes(2 * HOUR_MS);
    await live(world, terms(0, null), { kind: "keeper", on: false }, { kind: "pass", ms: 2 * HOUR_MS });
    const silent = shown(world, "mesh-2");
    expect(silent.revision).toBeNull();
    await live(world, terms(1, null));
    const again = shown(world, "mesh-2");
    expect(again.revision).not.toBeNull();
    expect(again.sequence).toBeGreaterThan(silent.sequence);
    await restart(world);
    expect(shown(world, "mesh-2").sequence).toBe(again.sequence);
  });
});
