import type { TrustDomain } from "../../spiffe/trust-domain.ts";
import type { Recorded, Work } from "../../store/unit-of-work.ts";
import { reaches, type Scope } from "../access/role.ts";
import { peersOf } from "../federations/peers.service.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { consumersOf } from "./bundle.store.ts";

/** What a unit of work changes for those who poll, as far as the caller may know of them (S21). */
export interface Effects {
  /** New revisions, with the fingerprints that come and go, and which meshes would be served them. */
  readonly revisions: {
    readonly trustDomain: string;
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly consumers: readonly string[];
  }[];
  /** Meshes that would gain or lose a bundle. */
  readonly access: { readonly meshId: string; readonly trustDomain: string; readonly change: string }[];
}

/** Of a unit of work that is settled. */
export async function effectsOf(work: Work, scope: Scope): Promise<Effects> {
  const effects: Effects = { revisions: [], access: [] };
  for (const event of work.recorded) {
    const trustDomain = named(event, "trust-domain") as TrustDomain;
    // What follows elsewhere from a change is not for whoever made it (S21).
    if (!scope.all && work.causeOf(trustDomain) !== work.cause) continue;
    if (event.type === "bundle.revised") {
      const { added, removed } = event.fields as { added: string[]; removed: string[] };
      const consumers: string[] = [];
      for (const meshId of await consumersOf(work.tx, trustDomain))
        if (await mayKnow(work, scope, meshId, trustDomain)) consumers.push(meshId);
      effects.revisions.push({ trustDomain, added, removed, consumers });
    }
    const [, change] = event.type.split("bundle-access.");
    const meshId = named(event, "mesh") as MeshId;
    if (change !== undefined && (await mayKnow(work, scope, meshId, trustDomain)))
      effects.access.push({ meshId, trustDomain, change });
  }
  return effects;
}

const named = ({ subjects }: Recorded, kind: string): string =>
  subjects.find((subject) => subject.startsWith(`${kind}/`))?.slice(kind.length + 1) ?? "";

/** The owner of a trust domain knows who consumes it; others know their own peers. */
async function mayKnow({ tx }: Work, scope: Scope, consumer: MeshId, trustDomain: TrustDomain): Promise<boolean> {
  if (reaches(scope, consumer)) return true;
  if (scope.all) return true;
  const owner = (await trustDomainNamed(tx, trustDomain))?.owner;
  if (owner != null && reaches(scope, owner)) return true;
  for (const meshId of scope.meshes) if ((await peersOf(tx, meshId)).has(consumer)) return true;
  return false;
}
