import { expiriesToldTo, setExpiriesToldTo } from "../../store/event-log.ts";
import type { Executor } from "../../store/tables.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { EpochMs } from "../../time.ts";
import { invitationExpiries, recordExpiredInvitations } from "../access/invitation.service.ts";
import { recordExpiredTokens, tokenExpiries } from "../access/token.service.ts";
import { authorityExpiries, recordExpiredAuthorities } from "../authorities/expired.service.ts";
import { codeExpiries, recordExpiredCodes } from "../federation-codes/federation-code.service.ts";
import { federationExpiries, recordExpiredFederations } from "../federations/expired.service.ts";
import { pollerExpiries, recordExpiredPollers } from "../pollers/poller.service.ts";

/** A noun that expires by the clock. */
interface Expiring {
  /** Instants after `after` at which one may, ascending. */
  readonly instants: (db: Executor, after: EpochMs, limit: number) => Promise<EpochMs[]>;
  /** Records an event for each that did, after `from` and by `to`. */
  readonly record: (work: Work, from: EpochMs, to: EpochMs) => Promise<void>;
}

/** Federations come first: the end of an access follows from theirs, in the same unit of work. */
const EXPIRING: readonly Expiring[] = [
  { instants: federationExpiries, record: recordExpiredFederations },
  { instants: authorityExpiries, record: recordExpiredAuthorities },
  { instants: pollerExpiries, record: recordExpiredPollers },
  { instants: tokenExpiries, record: recordExpiredTokens },
  { instants: invitationExpiries, record: recordExpiredInvitations },
  { instants: codeExpiries, record: recordExpiredCodes },
];

/** So many a unit of work, and what expires at one instant together. */
const MOST_AT_ONCE = 200;

async function instantsAfter(db: Executor, after: EpochMs, limit: number): Promise<EpochMs[]> {
  const all: EpochMs[] = [];
  for (const { instants } of EXPIRING) all.push(...(await instants(db, after, limit)));
  return all.sort((a, b) => a - b);
}

/** The next instant at which something may expire of which the log does not say so yet; null for never. */
export async function nextExpiry(db: Executor): Promise<EpochMs | null> {
  return (await instantsAfter(db, await expiriesToldTo(db), 1))[0] ?? null;
}

/**
 * Says what expired since the log said so last.
 * @returns up to which instant: earlier than now when there was more than goes into one unit of work
 */
export async function recordExpiries(work: Work): Promise<EpochMs> {
  const from = await expiriesToldTo(work.tx);
  const passed = (await instantsAfter(work.tx, from, MOST_AT_ONCE + 1)).filter((at) => at <= work.now);
  if (passed.length === 0) return work.now;
  const to = passed.length > MOST_AT_ONCE ? (passed[MOST_AT_ONCE - 1] ?? work.now) : work.now;
  for (const { record } of EXPIRING) await record(work, from, to);
  await setExpiriesToldTo(work.tx, to);
  return to;
}
