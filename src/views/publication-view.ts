import {
  allLivePollers,
  livePollers,
  publishedDomains,
  type ServedAccess,
  servedAccesses,
} from "../features/bundles/publication.service.ts";
import type { MeshId } from "../features/meshes/mesh-id.ts";
import type { TrustDomain } from "../spiffe/trust-domain.ts";
import { idsAmong } from "../store/event.ts";
import type { FollowedEvent } from "../store/event-log.ts";
import type { View } from "../store/follower.ts";
import type { Executor } from "../store/tables.ts";
import { type AccessInput, nothingNew, type PublicationChange } from "./publication-inputs.ts";

/** Where publication changes go: the bundle endpoint's thread. */
export interface PublicationSink {
  /** Resolves when the change is served. */
  apply(change: PublicationChange): Promise<void>;
  confirmFresh(): void;
}

/** Follows the log for the bundle endpoint: what an event touched is read anew, in one read, and handed over. */
export const publicationView = (sink: PublicationSink, generation: number): View => ({
  async read(db, events, upTo) {
    const change = await readPublicationChange(db, events, upTo, generation);
    return () => sink.apply(change);
  },
  noNews: () => sink.confirmFresh(),
});

/**
 * Everything of the publication as the store has it now, in changes that belong together: while one is applied the next is
 * read.
 */
export async function* readPublication(
  db: Executor,
  upTo: number,
  generation: number,
): AsyncGenerator<PublicationChange> {
  const nothing = nothingNew(upTo, generation);
  yield { ...nothing, rebuild: true, domains: await publishedDomains(db, "all") };
  yield { ...nothing, accesses: (await servedAccesses(db, "all", generation)).map(toInput) };
  for await (const pollers of allLivePollers(db)) yield { ...nothing, pollers };
}

/** What `events` touched of the publication, as the store has it now. */
export async function readPublicationChange(
  db: Executor,
  events: readonly FollowedEvent[],
  upTo: number,
  generation: number,
): Promise<PublicationChange> {
  const touched = touchedBy(events);
  const accesses = await servedAccesses(db, [...touched.accesses.values()], generation);
  const pollers = await livePollers(db, [...touched.pollers]);
  const isThere = new Set(accesses.map(({ access }) => pairKey(access)));
  const live = new Set(pollers.map(({ pollerId }) => pollerId));
  return {
    ...nothingNew(upTo, generation),
    domains: await publishedDomains(db, [...touched.domains]),
    accesses: accesses.map(toInput),
    removedAccesses: [...touched.accesses.values()].filter((pair) => !isThere.has(pairKey(pair))),
    pollers,
    removedPollers: [...touched.pollers].filter((pollerId) => !live.has(pollerId)),
  };
}

interface Pair {
  readonly meshId: MeshId;
  readonly trustDomain: TrustDomain;
}

const pairKey = ({ meshId, trustDomain }: Pair): string => `${meshId} ${trustDomain}`;

function touchedBy(events: readonly FollowedEvent[]) {
  const domains = new Set<TrustDomain>();
  const accesses = new Map<string, Pair>();
  const pollers = new Set<string>();
  for (const { type, subjects } of events) {
    if (type === "bundle.revised" || type.startsWith("trust-domain."))
      for (const name of idsAmong(subjects, "trust-domain")) domains.add(name as TrustDomain);
    if (type.startsWith("poller.")) for (const pollerId of idsAmong(subjects, "poller")) pollers.add(pollerId);
    if (!type.startsWith("bundle-access.")) continue;
    const [meshId = ""] = idsAmong(subjects, "mesh");
    const [trustDomain = ""] = idsAmong(subjects, "trust-domain");
    const pair = { meshId: meshId as MeshId, trustDomain: trustDomain as TrustDomain };
    accesses.set(pairKey(pair), pair);
  }
  return { domains, accesses, pollers };
}

function toInput({ access, owing }: ServedAccess): AccessInput {
  const { meshId, trustDomain, position, lastModifiedSeconds } = access;
  const shared = { meshId, trustDomain, position, lastModifiedSeconds };
  return access.state === "granted"
    ? { ...shared, state: "granted", until: access.until, distrusted: access.distrusted }
    : { ...shared, state: "withdrawn", at: access.at, owing };
}
