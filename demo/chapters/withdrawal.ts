import type { Federation } from "../../src/client/schemas.ts";
import { consenting } from "../joining.ts";
import { ask, call, poll, type World } from "../world.ts";
import type { Cast } from "./meshes.ts";

/** One side withdraws, and its peer does not go on trusting a stale bundle. */
export async function withdraw(world: World, cast: Cast, federation: Federation): Promise<void> {
  const shop = cast.shop.mesh;
  const bank = cast.bank.mesh;
  const depot = cast.depot.mesh;
  world.stage.chapter(
    "Consent is taken back",
    "After a withdrawal the peer is served an empty bundle, so that it stops trusting instead of keeping what it has.",
  );
  await call(world, "shop calls bank, as it has done all along", shop, bank.callee, "answered");
  await ask(
    world,
    "bank's administrator withdraws",
    consenting(bank, federation, "withdraw", "the contract ended"),
    "200 withdrawn",
    ({ state }) => state,
  );
  await poll(world, "shop's next poll", shop, bank.trustDomain, "200 an empty bundle");
  await poll(world, "bank's next poll", bank, shop.trustDomain, "200 an empty bundle");
  await call(world, "shop calls bank", shop, bank.callee, "refused");
  await call(world, "bank calls shop", bank, shop.callee, "refused");
  await call(world, "depot calls shop: their federation is another, and stands", depot, shop.callee, "answered");
}
