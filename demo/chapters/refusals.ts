import { invite, listPollers, registerAuthorities, registerMesh } from "../../src/client/operations.ts";
import { asking } from "../api.ts";
import { publishing } from "../joining.ts";
import { mintAuthority } from "../mesh/authority.ts";
import { ask, askInVain, call, poll, type World } from "../world.ts";
import type { Cast } from "./meshes.ts";

/** What must not work, with the exact answers. Each changes nothing. */
export async function refuse(world: World, cast: Cast): Promise<void> {
  const { mesh: shop } = cast.shop;
  const { mesh: bank } = cast.bank;
  const { mesh: depot } = cast.depot;
  world.stage.chapter(
    "What is refused",
    "Each of these is tried for real, answered with a stable code, and changes nothing.",
  );

  await askInVain(
    world,
    "No token: nobody publishes a root for shop",
    asking(registerAuthorities, { path: { meshId: "shop" }, body: { pem: "" } }, {}),
    "401 unauthenticated",
  );
  await askInVain(
    world,
    "Another tenant's mesh: to bank's token shop's pollers are as if absent",
    asking(listPollers, { path: { meshId: "shop" } }, { as: "BANK_TOKEN" }),
    "404 not-found",
  );
  await poll(world, "A peer without consent: depot asks for bank's bundle", depot, bank.trustDomain, "404 not-found");
  await askInVain(
    world,
    "The operator runs the broker and is in nobody's trust: it cannot publish a root for shop",
    { ...publishing(shop, shop.rootPem, "root-by-operator"), as: "OPERATOR_TOKEN" as const },
    "403 forbidden",
  );
  await claimSomebodyElses(world, cast);
  await uploadWhatIsNoRoot(world, cast);
}

async function claimSomebodyElses(world: World, cast: Cast): Promise<void> {
  const { mesh: depot } = cast.depot;
  const invitation = await ask(
    world,
    "The operator invites one more mesh, for mallory.example",
    asking(invite, { body: { trustDomain: "mallory.example" } }, { as: "OPERATOR_TOKEN" }),
    "201",
  );
  world.secrets.put("MALLORY_INVITATION", invitation.token);
  await askInVain(
    world,
    "It claims shop's trust domain instead",
    asking(registerMesh, { body: { meshId: "mallory", trustDomain: "shop.example" } }, { as: "MALLORY_INVITATION" }),
    "403 invitation-mismatch",
  );
  const claiming = mintAuthority("shop.example", "ed25519", "of depot");
  await askInVain(
    world,
    "depot publishes a root that names shop.example",
    publishing(depot, claiming.rootPem, "claiming"),
    "422 certificate-spiffe-id",
  );
  await askInVain(
    world,
    "depot publishes shop's root as its own",
    publishing(depot, cast.shop.mesh.rootPem, "borrowed"),
    "422 certificate-spiffe-id",
  );
}

async function uploadWhatIsNoRoot(world: World, cast: Cast): Promise<void> {
  const { mesh: bank } = cast.bank;
  const svid = await bank.ask("showSvid", {});
  await askInVain(
    world,
    "A workload's certificate is no CA",
    publishing(bank, svid.certificatePem, "leaf"),
    "422 certificate-not-ca",
  );
  await askInVain(
    world,
    "A private key has no business in the upload",
    publishing(bank, svid.certificatePem + svid.keyPem, "with-key"),
    "400 private-key-submitted",
  );
  await call(
    world,
    "After all of this shop's calls to bank are answered as before",
    cast.shop.mesh,
    bank.callee,
    "answered",
  );
}
