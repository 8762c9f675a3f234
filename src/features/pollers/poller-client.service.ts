import { type Subject, systemActor } from "../../store/event.ts";
import type { Executor } from "../../store/tables.ts";
import type { UnitOfWork, Work } from "../../store/unit-of-work.ts";
import { toRfc3339 } from "../../time.ts";
import { findPollers } from "./poller.store.ts";
import type { Poller } from "./poller.ts";
import { clientsOf, insertClient } from "./poller-client.store.ts";
import { type ClientSeen, MAX_CLIENTS, type PollerClient } from "./poller-client.ts";

/** Writes down which kinds of clients poll with whose URL. What is known costs a read, as all does after a restart. */
export async function noteClients(db: Executor, unitOfWork: UnitOfWork, seen: readonly ClientSeen[]): Promise<void> {
  const known = byPoller(await clientsOf(db, pollerIdsOf(seen)));
  const news = seen.filter((client) => isNews(known.get(client.pollerId) ?? [], client));
  if (news.length > 0) await unitOfWork.run(systemActor, (work) => recordClients(work, news));
}

/**
 * The first kind of a poller is what the poller is; each further one is an event for its mesh's people, who alone can tell
 * whether the URL leaked (S35). Nothing is refused: to be told of a leak late is better than to cut off a control plane.
 */
async function recordClients(work: Work, seen: readonly ClientSeen[]): Promise<void> {
  const pollerIds = pollerIdsOf(seen);
  const pollers = new Map((await findPollers(work.tx, pollerIds)).map((poller) => [poller.pollerId, poller]));
  const known = byPoller(await clientsOf(work.tx, pollerIds));
  for (const client of seen) {
    const poller = pollers.get(client.pollerId);
    const others = known.get(client.pollerId) ?? [];
    // Another server may have been sooner.
    if (!poller || !isNews(others, client) || !(await insertClient(work.tx, client))) continue;
    known.set(client.pollerId, [...others, client]);
    if (others.length > 0) recordOtherClient(work, poller, others, client);
  }
}

function recordOtherClient(
  work: Work,
  { pollerId, meshId, name }: Poller,
  others: readonly PollerClient[],
  { products, fingerprint, source, at }: ClientSeen,
): void {
  const subjects: Subject[] = [`mesh/${meshId}`, `poller/${pollerId}`];
  work.record({
    type: "poller.other-client-seen",
    subjects,
    fields: {
      name,
      products,
      fingerprint,
      source,
      seenAt: toRfc3339(at),
      known: others.map((other) => other.products),
      isLast: others.length + 1 >= MAX_CLIENTS,
    },
  });
}

const isNews = (known: readonly PollerClient[], { fingerprint }: ClientSeen): boolean =>
  known.length < MAX_CLIENTS && !known.some((client) => client.fingerprint === fingerprint);

const pollerIdsOf = (seen: readonly ClientSeen[]): string[] => [...new Set(seen.map(({ pollerId }) => pollerId))];

const byPoller = (clients: readonly PollerClient[]): Map<string, PollerClient[]> =>
  Map.groupBy(clients, ({ pollerId }) => pollerId);
