import type { Authority } from "../../src/client/schemas.ts";
import {
  configurePoller,
  hinting,
  inviting,
  keepInvitation,
  keepToken,
  makingPoller,
  publishing,
  registering,
} from "../joining.ts";
import type { MeshProfile } from "../mesh/profile.ts";
import type { MeshProcess } from "../mesh-process.ts";
import { ask, askInVain, type World } from "../world.ts";

/** A mesh that has joined, with the CA that it has published. */
export interface Member {
  readonly mesh: MeshProcess;
  readonly authority: Authority;
}

export interface Cast {
  readonly shop: Member;
  readonly bank: Member;
  readonly depot: Member;
}

const SHOP: MeshProfile = {
  meshId: "shop",
  trustDomain: "shop.example",
  caKind: "p256-intermediate",
  dialect: "spire",
  server: "/orders",
  client: "/till",
};
const BANK: MeshProfile = {
  meshId: "bank",
  trustDomain: "bank.example",
  caKind: "rsa",
  dialect: "istio",
  server: "/payments",
  client: "/reports",
};
const DEPOT: MeshProfile = {
  meshId: "depot",
  trustDomain: "depot.example",
  caKind: "ed25519",
  dialect: "spire",
  server: "/stock",
  client: "/robot",
};
export const PROFILES = { shop: SHOP, bank: BANK, depot: DEPOT };

const WHO: Record<MeshProfile["caKind"], string> = {
  "p256-intermediate": "an EC P-256 root, whose workloads' SVIDs come through an intermediate",
  rsa: "an RSA root",
  ed25519: "an Ed25519 root",
};
const HOW: Record<MeshProfile["dialect"], string> = {
  spire: "polls like SPIRE, over https_spiffe",
  istio: "polls like istiod, over https_web",
};

/** Seconds: short, so that the story need not wait. */
const REFRESH_HINT = 1;

/** Three meshes start as processes of their own and join, each by an invitation of its own. */
export async function joinThree(world: World): Promise<Cast> {
  world.stage.chapter(
    "Three meshes join",
    "The operator invites a mesh and names its trust domain; from then on the mesh administers itself with its own token.",
  );
  const [shop, bank, depot] = await Promise.all([SHOP, BANK, DEPOT].map(world.startMesh));
  if (!shop || !bank || !depot) throw new Error("a mesh did not start");
  return {
    shop: { mesh: shop, authority: await join(world, shop) },
    bank: { mesh: bank, authority: await join(world, bank) },
    depot: { mesh: depot, authority: await join(world, depot) },
  };
}

async function join(world: World, mesh: MeshProcess): Promise<Authority> {
  const { meshId, trustDomain } = mesh;
  world.stage.say(`${meshId} (${trustDomain}): ${WHO[mesh.caKind]}; ${HOW[mesh.dialect]}`);
  const invitation = await ask(world, `The operator invites ${meshId}`, inviting(mesh), "201");
  keepInvitation(world, mesh, invitation);
  const registered = await ask(
    world,
    `${meshId} registers with the invitation and gets its own token`,
    registering(mesh),
    "201 granted",
    ({ membership }) => membership,
  );
  keepToken(world, mesh, registered);
  if (meshId === "shop") {
    await askInVain(world, "The invitation is good for one registration", registering(mesh), "401 unauthenticated");
  }
  const uploaded = await ask(
    world,
    `${meshId} publishes its root, the certificate alone`,
    publishing(mesh, mesh.rootPem, "root"),
    "201 active",
    ({ authorities }) => authorities.map(({ state }) => state).join(),
  );
  await ask(world, `${meshId} asks its consumers to poll each second`, hinting(mesh, REFRESH_HINT), "200");
  const poller = await ask(world, `${meshId} makes a capability URL for its control plane`, makingPoller(mesh), "201");
  await configurePoller(world, mesh, poller);
  const [authority] = uploaded.authorities;
  if (!authority) throw new Error(`${meshId} has no authority`);
  return authority;
}
