import { logSize } from "../../store/event-log.ts";
import type { Executor } from "../../store/tables.ts";
import type { Scope } from "../access/role.ts";
import { type EventFilter, findEvent, listEvents, type StoredEvent, seenAmong } from "./audit.store.ts";

export { findEvent, listEvents, type StoredEvent, seenAmong };

const BATCH = 500;

/**
 * Everything that matches, or the first `most` of it, up to the newest event as it begins. A batch at a time is read and held, each by a query of
 * its own: no reader keeps a transaction open.
 */
export async function* eventsInBatches(
  db: Executor,
  scope: Scope,
  filter: EventFilter,
  from: {
    readonly order: "asc" | "desc";
    readonly after: number | undefined;
    readonly most?: number | undefined;
  },
): AsyncGenerator<readonly StoredEvent[]> {
  const newest = await logSize(db);
  let { after, most: left = Number.POSITIVE_INFINITY } = from;
  while (left > 0) {
    const limit = Math.min(BATCH, left);
    const found = await listEvents(db, scope, filter, { order: from.order, after, limit });
    const batch = found.filter(({ position }) => position <= newest);
    if (batch.length > 0) yield batch;
    // What came since is left out of a batch, which is then no shorter than the log.
    if (found.length < limit) return;
    after = found.at(-1)?.position;
    left -= batch.length;
  }
}
