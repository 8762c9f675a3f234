import { Refusal } from "../../errors.ts";
import type { Tables } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { Caller } from "../access/caller.ts";
import { takeOutOfTokens } from "../access/token.service.ts";
import { requireBundleWithout } from "../authorities/authority.service.ts";
import { removeAccessesOf } from "../bundles/bundle.service.ts";
import { revokeCodesOf } from "../federation-codes/federation-code.service.ts";
import { endAllOf, withdrawAll } from "../federations/decide.service.ts";
import { openFederationsOf } from "../federations/federation-facts.service.ts";
import { touchFederationsOf } from "../federations/save-decided.service.ts";
import { revokePollersOf } from "../pollers/poller.service.ts";
import { leaveTrustDomain, leftWithout, membersOf, trustDomainNamed } from "../trust-domains/trust-domain.service.ts";
import { readMesh } from "./mesh.service.ts";
import { markMeshDeleted } from "./mesh.store.ts";
import type { RegisteredMesh } from "./mesh.ts";
import type { MeshId } from "./mesh-id.ts";

/** What ends with a mesh. */
interface EndingWithMesh {
  /** Whose rows name the mesh. A test finds the tables of which nobody has said what becomes of them. */
  readonly tables: readonly (keyof Tables)[];
  readonly end: (work: Work, mesh: RegisteredMesh) => Promise<void>;
}

/** Federations come first, since a mesh that is gone says nothing; an access goes last, when nothing grants it any more. */
export const ENDING_WITH_MESH: readonly EndingWithMesh[] = [
  { tables: ["federation"], end: endFederations },
  { tables: ["poller"], end: (work, { meshId }) => revokePollersOf(work, meshId) },
  { tables: ["token_mesh"], end: (work, { meshId }) => takeOutOfTokens(work, meshId) },
  { tables: ["federation_code"], end: (work, { meshId }) => revokeCodesOf(work, meshId) },
  { tables: ["mesh"], end: (work, { meshId }) => markMeshDeleted(work.tx, meshId, work.now) },
  { tables: ["membership", "trust_domain"], end: leaveTrustDomain },
  { tables: ["bundle_access"], end: (work, { meshId }) => removeAccessesOf(work, meshId) },
];

/**
 * Takes a mesh out, with all that ends with it. Its ID is never used again.
 * @throws {Refusal} `not-found`; `mesh-has-federations` unless `withdraw`; `trust-domain-has-members` for an owner;
 * `would-empty-bundle` unless `force`, of a bundle that other members stand on
 */
export async function deleteMesh(
  work: Work,
  caller: Caller,
  meshId: MeshId,
  { withdraw, force }: { readonly withdraw: boolean; readonly force: boolean },
): Promise<void> {
  const mesh = await readMesh(work.tx, meshId);
  const isOwner = (await trustDomainNamed(work.tx, mesh.trustDomain))?.owner === meshId;
  if (!withdraw) await requireNoFederations(work, meshId);
  if (isOwner) await requireNoOtherMembers(work, mesh);
  else if (!force)
    await requireBundleWithout(work, mesh.trustDomain, meshId, { what: `deleting ${meshId}`, pointer: "" });
  work.record({
    type: "mesh.deleted",
    subjects: [`mesh/${meshId}`, `trust-domain/${mesh.trustDomain}`],
    ...(caller.role === "operator" ? {} : { actingMesh: meshId }),
    before: mesh,
  });
  for (const { end } of ENDING_WITH_MESH) await end(work, mesh);
}

async function requireNoFederations(work: Work, meshId: MeshId): Promise<void> {
  const open = await openFederationsOf(work, meshId);
  if (open.length === 0) return;
  throw new Refusal("mesh-has-federations", `${meshId} has ${open.length} open federations`, {
    extra: { federationIds: open.map(({ federationId }) => federationId) },
  });
}

async function requireNoOtherMembers({ tx }: Work, { meshId, trustDomain }: RegisteredMesh): Promise<void> {
  const members = await membersOf(tx, trustDomain);
  if (members.some((member) => member.meshId !== meshId && member.state === "granted"))
    throw new Refusal("trust-domain-has-members", `${meshId} owns ${trustDomain}, which has other members`);
}

/** The mesh's word where its own admin deletes it, nobody's where an operator does (S21). */
async function endFederations(work: Work, { meshId, trustDomain }: RegisteredMesh): Promise<void> {
  await withdrawAll(work, meshId, "the mesh is deleted", work.cause?.actingMesh === meshId);
  for (const left of await leftWithout(work, meshId, trustDomain))
    await endAllOf(work, left, `${trustDomain} is given back by its owner`);
  await touchFederationsOf(work, meshId);
}
