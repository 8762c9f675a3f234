import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { pageOf } from "../../page.ts";
import { notFound } from "../access/caller.ts";
import type { Broker } from "../broker.ts";
import { trustDomainInPath } from "../trust-domains/trust-domain.routes.ts";
import { listQuery, revisionParams, trustDomainParams } from "../trust-domains/trust-domain.schema.ts";
import { findRevision, listRevisions, revisionReader } from "./bundle.service.ts";
import { revisionList, revisionWithBundle, viewRevision } from "./revision.schema.ts";

const tag = "Trust domains";

export const revisionEndpoints = (broker: Broker): Endpoint[] => [
  endpoint({
    method: "GET",
    path: "/v1/trust-domains/{trustDomain}/revisions",
    operationId: "listRevisions",
    tag,
    summary:
      "List what the bundle was, newest first, with the difference between neighbours; to a peer without who and why",
    permission: "trust-domain:read",
    params: trustDomainParams,
    query: listQuery,
    answer: revisionList,
    refusals: ["not-found", "invalid-cursor"],
    async handle({ params, query, token }) {
      const name = trustDomainInPath(params.trustDomain);
      const reader = await revisionReader(broker.db, token.scope, name, broker.clock());
      const before = fromCursor(query.cursor, Number.MAX_SAFE_INTEGER);
      const found = await listRevisions(broker.db, name, before, query.limit + 1);
      const page = pageOf(found, query.limit, ({ position }) => toCursor(position));
      return {
        body: {
          ...page,
          revisions: page.items.map((revision, index) => viewRevision(revision, found[index + 1], token.scope, reader)),
        },
      };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/trust-domains/{trustDomain}/revisions/{sequence}",
    operationId: "readRevision",
    tag,
    summary: "Read one revision with its bundle",
    permission: "trust-domain:read",
    params: revisionParams,
    answer: revisionWithBundle,
    refusals: ["not-found"],
    async handle({ params, token }) {
      const name = trustDomainInPath(params.trustDomain);
      const reader = await revisionReader(broker.db, token.scope, name, broker.clock());
      const revision =
        /^\d{1,16}$/.test(params.sequence) && (await findRevision(broker.db, name, Number(params.sequence)));
      if (!revision) throw notFound();
      const [before] = await listRevisions(broker.db, name, revision.position, 1);
      return {
        body: { ...viewRevision(revision, before, token.scope, reader), bundle: JSON.parse(revision.bundle) as object },
      };
    },
  }),
];
