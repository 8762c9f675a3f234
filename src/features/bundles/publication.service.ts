import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Executor } from "../../store/tables.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { allAccesses, findAccess } from "./bundle.store.ts";
import type { BundleAccess } from "./bundle.ts";
import { allLivePollers, livePollers, type OwingPoller, pollersOwing, publishedDomains } from "./publication.store.ts";

export { allLivePollers, livePollers, publishedDomains };

/** A consumer's access; of a withdrawn one also who has yet to fetch the tombstone. */
export interface ServedAccess {
  readonly access: BundleAccess;
  readonly owing: readonly string[];
}

export async function servedAccesses(
  db: Executor,
  pairs: readonly { readonly meshId: MeshId; readonly trustDomain: TrustDomain }[] | "all",
  generation: number,
): Promise<ServedAccess[]> {
  const found: (BundleAccess | undefined)[] = pairs === "all" ? await allAccesses(db) : [];
  if (pairs !== "all")
    for (const { meshId, trustDomain } of pairs) found.push(await findAccess(db, meshId, trustDomain));
  const pairOf = ({ meshId, trustDomain }: Pick<OwingPoller, "meshId" | "trustDomain">) => `${meshId} ${trustDomain}`;
  const owing = Map.groupBy(await pollersOwing(db, pairs, generation), pairOf);
  return found
    .filter((access) => access !== undefined)
    .map((access) => ({ access, owing: (owing.get(pairOf(access)) ?? []).map(({ pollerId }) => pollerId) }));
}
