import type { FederationAnswer } from "../answers.ts";
import { consenting, proposing } from "../joining.ts";
import type { MeshProcess } from "../mesh-process.ts";
import { ask, call, poll, type World } from "../world.ts";
import type { Cast } from "./meshes.ts";

const state = ({ state: shown }: FederationAnswer): string => shown;

/** Nothing is served across before both sides have agreed; then the first poll is enough. Returns shop's and bank's. */
export async function trustByConsent(world: World, cast: Cast): Promise<FederationAnswer> {
  const shop = cast.shop.mesh;
  const bank = cast.bank.mesh;
  const depot = cast.depot.mesh;
  world.stage.chapter(
    "Trust by consent",
    "A mesh is served a peer's bundle only while both sides have agreed to it. Calls are real mutual TLS between workloads.",
  );
  await call(world, "shop calls bank before anything is agreed", shop, bank.callee, "refused");
  await poll(world, "shop asks for bank's bundle all the same", shop, bank.trustDomain, "404 not-found");
  const federation = await ask<FederationAnswer>(
    world,
    'shop proposes "shop trusts bank, bank trusts shop", which is its own consent',
    proposing(shop, bank),
    "201 pending",
    state,
  );
  await poll(world, "One consent is not two: still nothing for shop", shop, bank.trustDomain, "404 not-found");
  await ask(world, "bank's own administrator grants it", consenting(bank, federation, "grant"), "200 active", state);
  await call(world, "shop calls bank: agreed, but neither has polled", shop, bank.callee, "refused");
  await poll(
    world,
    "shop polls as SPIRE does: a new connection, the broker's SVID must be exactly the configured SPIFFE ID",
    shop,
    bank.trustDomain,
    "200 1 root",
  );
  await poll(
    world,
    "bank polls as istiod does: the certificate must name the host",
    bank,
    shop.trustDomain,
    "200 1 root",
  );
  await call(world, "shop calls bank", shop, bank.callee, "answered");
  await call(world, "bank calls shop", bank, shop.callee, "answered");

  const other = await ask<FederationAnswer>(
    world,
    'depot proposes "depot trusts shop, shop trusts depot"',
    proposing(depot, shop),
    "201 pending",
    state,
  );
  await ask(world, "shop's own administrator grants it", consenting(shop, other, "grant"), "200 active", state);
  await poll(world, "depot polls as SPIRE does", depot, shop.trustDomain, "200 1 root");
  await poll(world, "shop polls again, for depot's bundle", shop, depot.trustDomain, "200 1 root");
  await call(world, "depot calls shop", depot, shop.callee, "answered");
  await refuseStrangers(world, { shop, bank, depot });
  return federation;
}

/** Those whom the callee has no reason to trust, each of whom knows the callee's root and accepts its SVID. */
async function refuseStrangers(
  world: World,
  { shop, bank, depot }: { shop: MeshProcess; bank: MeshProcess; depot: MeshProcess },
): Promise<void> {
  const bankByHand = { trustDomain: bank.trustDomain, roots: [bank.rootPem] };
  const [stranger, impostor] = await Promise.all([
    world.startMesh({ ...depot, meshId: "stranger", trustDomain: "stranger.example" }),
    world.startMesh({ ...shop, meshId: "impostor", caKind: "rsa" }),
  ]);
  await Promise.all([stranger, impostor].map((mesh) => mesh.ask("trustByHand", bankByHand)));
  await call(world, "A stranger calls bank: nobody vouches for it", stranger, bank.callee, "refused");
  await call(world, "A CA that bank never got issues shop's names: bank refuses it", impostor, bank.callee, "refused");
  await depot.ask("trustByHand", bankByHand);
  await call(world, "depot, whom shop trusts, calls bank: trust is not passed on", depot, bank.callee, "refused");
}
