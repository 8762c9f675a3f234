import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { pageOf } from "../../page.ts";
import type { Subject } from "../../store/event.ts";
import { parseTime } from "../../time.ts";
import { notFound } from "../access/caller.ts";
import type { Broker } from "../broker.ts";
import { auditEvent, auditEventList, auditParams, auditQuery } from "./audit.schema.ts";
import { findEvent, listEvents } from "./audit.service.ts";
import { type AuditEvent, asSeenBy } from "./audit.ts";

const tag = "Audit";

const copyOf = (event: AuditEvent) => ({ ...event, subjects: [...event.subjects] });

export const auditEndpoints = (broker: Broker): Endpoint[] => [
  endpoint({
    method: "GET",
    path: "/v1/audit-events",
    operationId: "listAuditEvents",
    tag,
    summary: "List what happened, newest first",
    permission: "audit:read",
    query: auditQuery,
    answer: auditEventList,
    refusals: ["invalid-cursor"],
    async handle({ query, token }) {
      const subjects: Subject[] = [];
      if (query.meshId !== undefined) subjects.push(`mesh/${query.meshId}`);
      if (query.trustDomain !== undefined) subjects.push(`trust-domain/${query.trustDomain}`);
      if (query.federationId !== undefined) subjects.push(`federation/${query.federationId}`);
      if (query.authorityId !== undefined) subjects.push(`authority/${query.authorityId}`);
      const filter = {
        subjects,
        ...(query.actor === undefined ? {} : { actor: query.actor }),
        ...(query.type === undefined ? {} : { type: query.type }),
        ...(query.from === undefined ? {} : { from: parseTime(query.from, "/from") }),
        ...(query.to === undefined ? {} : { to: parseTime(query.to, "/to") }),
      };
      const after = query.cursor === undefined ? undefined : fromCursor(query.cursor, 0);
      const found = await listEvents(broker.db, token.scope, filter, {
        order: query.order,
        after,
        limit: query.limit + 1,
      });
      const page = pageOf(found, query.limit, ({ position }) => toCursor(position));
      return { body: { ...page, events: page.items.map((event) => copyOf(asSeenBy(token.scope, event))) } };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/audit-events/{position}",
    operationId: "readAuditEvent",
    tag,
    summary: "Read one event by its position",
    permission: "audit:read",
    params: auditParams,
    answer: auditEvent,
    refusals: ["not-found"],
    async handle({ params, token }) {
      const event =
        /^\d{1,15}$/.test(params.position) && (await findEvent(broker.db, token.scope, Number(params.position)));
      if (!event) throw notFound();
      return { body: copyOf(asSeenBy(token.scope, event)) };
    },
  }),
];
