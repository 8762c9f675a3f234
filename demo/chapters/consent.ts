import type { Federation } from "../../src/client/schemas.ts";
import { consenting, proposing } from "../joining.ts";
import type { MeshProcess } from "../mesh-process.ts";
import { ask, call, poll, type World } from "../world.ts";
import type { Cast } from "./meshes.ts";

const state = ({ state: shown }: Federation): string => shown;

/** Nothing is served across before both sides have agreed; then the first poll is enough. Returns shop's and bank's. */
export async function trustByConsent(world: World, cast: Cast): Promise<Federation> {
  const shop = cast.shop.mesh;
  const bank = cast.bank.mesh;
  const depot = cast.depot.mesh;
  world.stage.chapter(
    "Trust by consent",
    "A mesh is served a peer's bundle only while both sides agree to it. Each call is mutual TLS between two workloads.",
  );
  const stranger = await startStranger(world, bank);
  await call(world, "shop calls bank before anything is agreed", shop, bank.callee, "refused");
  await call(world, "a stranger calls bank", stranger, bank.callee, "refused");
  await poll(world, "shop asks for bank's bundle all the same", shop, bank.trustDomain, "404 not-found");
  const federation = await ask(
    world,
    'shop proposes "shop trusts bank, bank trusts shop", which is its own consent',
    proposing(shop, bank),
    "201 pending",
    state,
  );
  await poll(world, "one consent is not two: still nothing for shop", shop, bank.trustDomain, "404 not-found");
  await ask(world, "bank's own administrator grants it", consenting(bank, federation, "grant"), "200 active", state);
  await call(world, "agreed, but neither has polled: shop calls bank", shop, bank.callee, "refused");
  await poll(
    world,
    "shop polls as SPIRE does: new connection, and the broker's SVID must be exactly the configured SPIFFE ID",
    shop,
    bank.trustDomain,
    "200 1 root",
  );
  await poll(world, "bank polls as istiod does: by the name of the host", bank, shop.trustDomain, "200 1 root");
  await call(world, "shop calls bank", shop, bank.callee, "answered");
  await call(world, "bank calls shop", bank, shop.callee, "answered");

  const other = await ask(
    world,
    'depot proposes "depot trusts shop, shop trusts depot"',
    proposing(depot, shop),
    "201 pending",
    state,
  );
  await ask(world, "shop's own administrator grants it", consenting(shop, other, "grant"), "200 active", state);
  await poll(world, "depot polls as SPIRE does", depot, shop.trustDomain, "200 1 root");
  await poll(world, "shop polls for depot's bundle too", shop, depot.trustDomain, "200 1 root");
  await call(world, "depot calls shop", depot, shop.callee, "answered");
  await refuseImpostors(world, { stranger, shop, bank, depot });
  return federation;
}

/** A mesh that never joined. It knows bank's root and accepts bank's SVID: whether they talk is bank's decision. */
async function startStranger(world: World, bank: MeshProcess): Promise<MeshProcess> {
  const stranger = await world.startMesh({
    meshId: "stranger",
    trustDomain: "stranger.example",
    caKind: "ed25519",
    dialect: "spire",
    server: "/nobody",
    client: "/nobody",
  });
  await stranger.ask("trustByHand", { trustDomain: bank.trustDomain, roots: [bank.rootPem] });
  return stranger;
}

async function refuseImpostors(
  world: World,
  { stranger, shop, bank, depot }: Record<"stranger" | "shop" | "bank" | "depot", MeshProcess>,
): Promise<void> {
  await call(world, "the stranger calls bank again", stranger, bank.callee, "refused");
  const claimed = `spiffe://${shop.trustDomain}${shop.client}`;
  await call(world, `the stranger calls bank and claims to be ${claimed}`, stranger, bank.callee, "refused", claimed);
  await depot.ask("trustByHand", { trustDomain: bank.trustDomain, roots: [bank.rootPem] });
  await call(world, "depot calls bank: trust is not passed on, shop's is shop's", depot, bank.callee, "refused");
  const bankName = `spiffe://${bank.trustDomain}${bank.client}`;
  await call(
    world,
    `depot, whom shop trusts, calls shop as ${bankName}: a root vouches for its own trust domain only`,
    depot,
    shop.callee,
    "refused",
    bankName,
  );
}
