import type { ListeningProcess } from "../support/broker-process.ts";
import { type ApiAnswer, expectStatus } from "../support/running-broker.ts";

export interface AuditEvent {
  readonly position: number;
  readonly eventId: string;
  readonly type: string;
  readonly subjects: readonly string[];
  readonly outcome: string;
  readonly detail: { readonly digest?: string };
}

/** All pages of a list. */
export async function everything<T>(broker: ListeningProcess, token: string, path: string, noun: string): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = `${path}${path.includes("?") ? "&" : "?"}limit=1000${cursor ? `&cursor=${cursor}` : ""}`;
    const { body } = await expectStatus(200, broker.api("GET", page, { token }));
    found.push(...body[noun]);
    cursor = body.next;
  } while (cursor);
  return found;
}

export const allEvents = (broker: ListeningProcess): Promise<AuditEvent[]> =>
  everything<AuditEvent>(broker, broker.operatorToken, "/v1/audit-events?order=asc", "events");

export const pageOfNewest = (broker: ListeningProcess): Promise<ApiAnswer> =>
  broker.api("GET", "/v1/audit-events?limit=100", { token: broker.operatorToken });
