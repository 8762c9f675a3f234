import { type EventType, idsAmong } from "../../store/event.ts";
import type { Recorded, Work } from "../../store/unit-of-work.ts";
import { countTokensOf } from "../access/token.service.ts";
import { countPublishedBy } from "../authorities/authority.service.ts";
import { countRevisionsBy } from "../bundles/bundle.service.ts";
import { countOpenCodes } from "../federation-codes/federation-code.service.ts";
import { countFederationsOf, partiesOf } from "../federations/federation-facts.service.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { countPollersOf } from "../pollers/poller.service.ts";
import { checkQuota, type Quotas } from "./quota.ts";

/** What makes a mesh have one more, of which mesh, and how many it then has. */
interface Counted {
  readonly quota: keyof Quotas;
  meshes(event: Recorded, work: Work): readonly string[] | Promise<readonly string[]>;
  count(work: Work, meshId: MeshId): Promise<number>;
}

const acting = ({ actingMesh, fields }: Recorded): readonly string[] =>
  [actingMesh ?? (fields.meshId as string | undefined)].filter((meshId) => meshId !== undefined);
const named = ({ subjects }: Recorded): readonly string[] => idsAmong(subjects, "mesh");

/** A mesh whose tokens somebody stole and multiplied gets its way back in all the same. */
const namedUnlessForced = (event: Recorded, { recorded }: Work): readonly string[] =>
  recorded.some(({ type }) => type === "break-glass.token-created") ? [] : named(event);

/** A side that grants again opens what it had ended for the other side too. */
const bothSides = ({ subjects }: Recorded, { tx }: Work) => partiesOf(tx, idsAmong(subjects, "federation")[0] ?? "");

/**
 * A revision is for good, and each peer's pollers fetch it. What takes something out never waits (S48), but with an upload
 * beside it.
 */
function revising({ actingMesh, fields }: Recorded, work: Work): readonly string[] {
  if (actingMesh === null) return [];
  const { removed } = fields as { readonly removed: readonly string[] };
  const takesOut = removed.length > 0 && !work.recorded.some(({ type }) => type === "authority.contributed");
  return takesOut ? [] : [actingMesh];
}

const federations: Counted = { quota: "federationsPerMesh", meshes: acting, count: countFederationsOf };
const COUNTED: Readonly<Partial<Record<EventType, Counted>>> = {
  "authority.contributed": { quota: "authoritiesPerMesh", meshes: acting, count: countPublishedBy },
  "federation.proposed": federations,
  "federation.granted": { ...federations, meshes: bothSides },
  "federation.terms-proposed": { ...federations, meshes: bothSides },
  "federation.veto-lifted": { ...federations, meshes: bothSides },
  "token.created": { quota: "tokensPerMesh", meshes: namedUnlessForced, count: countTokensOf },
  "federation-code.created": { quota: "federationCodesPerMesh", meshes: named, count: countOpenCodes },
  "bundle.revised": { quota: "revisionsPerHour", meshes: revising, count: countRevisionsBy },
  "poller.created": { quota: "pollersPerMesh", meshes: named, count: countPollersOf },
};

/**
 * That nobody has more than it may have after this unit of work, settled, counted in its transaction (S22). Whatever makes one more
 * says so in an event, so that no way of making one can leave this out.
 * @throws {Refusal} `quota-exceeded`
 */
export async function requireWithinQuotas(work: Work, quotas: Quotas): Promise<void> {
  for (const { counted, meshId, isOwn } of await grownIn(work))
    checkQuota(quotas, counted.quota, meshId, await counted.count(work, meshId), isOwn);
}

/** What grew of which mesh, each once, however many events say so; `isOwn` where the mesh itself had it grow. */
async function grownIn(work: Work) {
  const grown = new Map<string, { readonly counted: Counted; readonly meshId: MeshId; readonly isOwn: boolean }>();
  for (const event of work.recorded) {
    const counted = COUNTED[event.type];
    if (!counted) continue;
    for (const meshId of await counted.meshes(event, work)) {
      const key = `${counted.quota} ${meshId}`;
      const isOwn = counted.meshes !== bothSides || acting(event).includes(meshId);
      grown.set(key, { counted, meshId: meshId as MeshId, isOwn: isOwn || (grown.get(key)?.isOwn ?? false) });
    }
  }
  return grown.values();
}
