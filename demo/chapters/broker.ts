import { listMeshes, readyz } from "../../src/client/operations.ts";
import { asking, httpsRequest } from "../api.ts";
import { curlLine } from "../curl.ts";
import { type BundleDocument, rootsIn } from "../mesh/fetch-bundle.ts";
import { ask, askInVain, type World } from "../world.ts";

/** The broker is up, and nobody gets anything without a credential. Returns the roots of its own trust domain. */
export async function meetTheBroker(world: Omit<World, "brokerRoots">): Promise<readonly string[]> {
  const { stage, broker } = world;
  stage.chapter(
    "The broker",
    "One process on loopback: its database, its own CA and the first operator's token lie in a fresh folder.",
  );
  stage.say(`ADMIN=${broker.addresses.admin}  the admin API`);
  stage.say(`SPIFFE=${broker.addresses.bundleSpiffe}  the bundle endpoint in the profile https_spiffe`);
  stage.say(`WEB=${broker.addresses.bundleWeb}  the bundle endpoint in the profile https_web`);
  stage.say(`CA=${broker.caFile}`);
  await ask(world, "The broker says that it is ready", asking(readyz, {}, {}), "200");
  await askInVain(world, "Without a token nobody reads anything", asking(listMeshes, {}, {}), "401 unauthenticated");
  return stage.step({
    title: "Its own bundle is for anybody: with it SPIRE verifies the broker before it polls",
    command: curlLine({ http: { method: "GET", path: "/bundle", headers: {} } }).replace("$ADMIN", "$WEB"),
    expected: "200 1 root",
    async act() {
      const { status, text } = await httpsRequest(`${broker.addresses.bundleWeb}/bundle`, { ca: broker.caPem });
      const roots = rootsIn(JSON.parse(text) as BundleDocument);
      return { actual: `${status} ${roots.length} root${roots.length === 1 ? "" : "s"}`, value: roots };
    },
  });
}
