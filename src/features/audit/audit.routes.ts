import type { Static, TObject } from "typebox";
import { type Endpoint, list, read } from "../../http/endpoint.ts";
import type { Subject } from "../../store/event.ts";
import { parseTime } from "../../time.ts";
import { notFound } from "../access/caller.ts";
import type { Scope } from "../access/role.ts";
import { auditEvent, auditFilter, auditParams } from "./audit.schema.ts";
import { eventsInBatches, findEvent, listEvents, type StoredEvent } from "./audit.service.ts";
import { type AuditEvent, asSeenBy } from "./audit.ts";
import { EXPORT_TYPES, type ExportType, headOf, lineOf } from "./audit-export.ts";

const tag = "Audit";

function filterOf(query: Static<TObject<typeof auditFilter>>) {
  const subjects: Subject[] = [];
  if (query.meshId !== undefined) subjects.push(`mesh/${query.meshId}`);
  if (query.trustDomain !== undefined) subjects.push(`trust-domain/${query.trustDomain}`);
  if (query.federationId !== undefined) subjects.push(`federation/${query.federationId}`);
  if (query.authorityId !== undefined) subjects.push(`authority/${query.authorityId}`);
  return {
    subjects,
    ...(query.actor === undefined ? {} : { actor: query.actor }),
    ...(query.type === undefined ? {} : { type: query.type }),
    ...(query.from === undefined ? {} : { from: parseTime(query.from, "/from") }),
    ...(query.to === undefined ? {} : { to: parseTime(query.to, "/to") }),
  };
}

const copyOf = (event: AuditEvent) => ({ ...event, subjects: [...event.subjects] });

async function* exported(
  batches: AsyncIterable<readonly StoredEvent[]>,
  scope: Scope,
  type: ExportType,
): AsyncGenerator<string> {
  if (headOf[type] !== "") yield headOf[type];
  for await (const batch of batches) yield batch.map((event) => lineOf[type](asSeenBy(scope, event))).join("");
}

export const auditEndpoints: readonly Endpoint[] = [
  list({
    path: "/v1/audit-events",
    operationId: "listAuditEvents",
    tag,
    summary: "List what happened, newest first",
    description:
      "List what happened, newest first. As NDJSON or CSV, by `Accept`, all that the query matches is streamed, or the " +
      "first `limit` where it is said: a header line in CSV, subjects with blanks between them, the detail as JSON; a cell that a spreadsheet " +
      "would run begins with an apostrophe.",
    permission: "audit:read",
    query: auditFilter,
    plural: "events",
    named: "AuditEventList",
    item: auditEvent,
    cursor: "position",
    refusals: [],
    stream: {
      types: EXPORT_TYPES,
      parameters: { "text/csv": "; charset=utf-8; header=present" },
      read(db, { query, token }, page, type) {
        const from = { order: query.order, after: page.after<number>(), most: page.most };
        return exported(eventsInBatches(db, token.scope, filterOf(query), from), token.scope, type as ExportType);
      },
    },
    find: (db, { query, token }, page) => listEvents(db, token.scope, filterOf(query), { order: query.order, ...page }),
    cursorOf: ({ position }) => position,
    view: (event, { call }) => copyOf(asSeenBy(call.token.scope, event)),
  }),
  read({
    path: "/v1/audit-events/{position}",
    operationId: "readAuditEvent",
    tag,
    summary: "Read one event by its position",
    permission: "audit:read",
    params: auditParams,
    answer: auditEvent,
    refusals: ["not-found"],
    async read(db, { params, token }) {
      const event = /^\d{1,15}$/.test(params.position) && (await findEvent(db, token.scope, Number(params.position)));
      if (!event) throw notFound();
      return { body: copyOf(asSeenBy(token.scope, event)) };
    },
  }),
];
