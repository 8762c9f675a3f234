import { setTimeout as sleep } from "node:timers/promises";
import type { Authority } from "../../src/client/schemas.ts";
import {
  configurePoller,
  consenting,
  hinting,
  inviting,
  keepInvitation,
  keepToken,
  makingPoller,
  moving,
  proposing,
  publishing,
  registering,
} from "../joining.ts";
import type { MeshProcess } from "../mesh-process.ts";
import { ask, done, type World } from "../world.ts";
import { PROFILES } from "./meshes.ts";
import { type CallTotals, EVERY_MS, failed, inWords } from "./rotation.ts";

/** Seconds between polls: how long the calls stay broken, at most. */
const REFRESH_HINT = 2;

const state = ({ state: shown }: Authority): string => shown;

/** The same rotation on a copy of shop and bank, in the order of somebody in a hurry. */
export async function rotateCarelessly(world: World, careful: CallTotals): Promise<void> {
  const { stage } = world;
  stage.chapter(
    "The same in the wrong order, on a copy",
    "Copies of shop and bank, joined and federated as before. Their shop signs with the new CA before bank has polled.",
  );
  const { shop, bank, authority } = await makeCopy(world);
  const callers: [MeshProcess, MeshProcess][] = [
    [shop, bank],
    [bank, shop],
  ];
  for (const [from, to] of callers) await from.ask("startCalls", { callee: to.callee, everyMs: EVERY_MS });

  const { rootPem } = await shop.ask("makeNextAuthority", {});
  await bank.ask("poll", { trustDomain: shop.trustDomain });
  await ask(
    world,
    "shop-copy publishes its next root as active at once, without asking the ledger",
    publishing(shop, rootPem, "next-root", "active"),
    "201 active",
    ({ authorities }) => authorities.map(state).join(),
  );
  await shop.ask("issueFromNext", {});
  await ask(
    world,
    "and retires the old one in the same breath: first retiring",
    moving(shop, authority, "retiring"),
    "200 retiring",
    state,
  );
  await ask(world, "then retired", moving(shop, authority, "retired"), "200 retired", state);
  await sleep(REFRESH_HINT * 1_000 + 300);
  const careless = await stage.step({
    title: "Calls that failed until bank-copy had polled",
    expected: "more than 0",
    async act() {
      const counts = await Promise.all(callers.map(([from]) => from.ask("stopCalls", {})));
      const { actual, note, value } = failed(counts);
      return { actual: value.failures > 0 ? "more than 0" : actual, note, value };
    },
  });
  stage.say(`The ledger's order: ${inWords(careful)}. In a hurry: ${inWords(careless)}.`);
}

async function makeCopy(world: World): Promise<{ shop: MeshProcess; bank: MeshProcess; authority: Authority }> {
  const copyOf = (profile: (typeof PROFILES)["shop"]) =>
    world.startMesh({ ...profile, meshId: `${profile.meshId}-copy`, trustDomain: `copy.${profile.trustDomain}` });
  const [shop, bank] = await Promise.all([copyOf(PROFILES.shop), copyOf(PROFILES.bank)]);
  return world.stage.step({
    title: "shop-copy and bank-copy join, federate and poll, and their calls are answered",
    expected: "answered, answered",
    async act() {
      const authority = await joinQuietly(world, shop);
      await joinQuietly(world, bank);
      const federation = await done(world, proposing(shop, bank));
      await done(world, consenting(bank, federation, "grant"));
      await shop.ask("poll", { trustDomain: bank.trustDomain });
      await bank.ask("poll", { trustDomain: shop.trustDomain });
      const calls = [await shop.ask("call", { callee: bank.callee }), await bank.ask("call", { callee: shop.callee })];
      const actual = calls.map(({ answered, reason }) => (answered ? "answered" : reason)).join(", ");
      return { actual, value: { shop, bank, authority } };
    },
  });
}

async function joinQuietly(world: World, mesh: MeshProcess): Promise<Authority> {
  keepInvitation(world, mesh, await done(world, inviting(mesh)));
  keepToken(world, mesh, await done(world, registering(mesh)));
  const { authorities } = await done(world, publishing(mesh, mesh.rootPem, "root"));
  await done(world, hinting(mesh, REFRESH_HINT));
  await configurePoller(world, mesh, await done(world, makingPoller(mesh)));
  const [authority] = authorities;
  if (!authority) throw new Error(`${mesh.meshId} has no authority`);
  return authority;
}
