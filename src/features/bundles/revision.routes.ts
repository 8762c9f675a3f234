import { type Endpoint, list, read } from "../../http/endpoint.ts";
import { notFound, referredTrustDomain } from "../access/caller.ts";
import { seenAmong } from "../audit/audit.service.ts";
import type { Broker } from "../broker.ts";
import { revisionParams, trustDomainParams } from "../trust-domains/trust-domain.schema.ts";
import { documentOf, findRevision, listRevisions, revisionReader } from "./bundle.service.ts";
import { revisionView, revisionWithBundle, viewRevision } from "./revision.schema.ts";

const tag = "Trust domains";

export const revisionEndpoints = (broker: Broker): Endpoint[] => [
  list({
    path: "/v1/trust-domains/{trustDomain}/revisions",
    operationId: "listRevisions",
    tag,
    summary:
      "List what the bundle was, newest first, with the difference between neighbours; to a peer without who and why",
    permission: "trust-domain:read",
    params: trustDomainParams,
    plural: "revisions",
    named: "RevisionList",
    item: revisionView,
    cursor: "position",
    refusals: ["not-found"],
    async find(db, { params, token }, { after = Number.MAX_SAFE_INTEGER, limit }) {
      const name = referredTrustDomain(params.trustDomain);
      const reader = await revisionReader(db, token.scope, name, broker.clock());
      const revisions = await listRevisions(db, name, after, limit);
      const seen = await seenAmong(
        db,
        token.scope,
        revisions.map(({ position }) => position),
      );
      return revisions.map((revision) => ({ revision, reader, seen }));
    },
    cursorOf: ({ revision }) => revision.position,
    view: ({ revision, reader, seen }, { call, following }) =>
      viewRevision(revision, following?.revision, call.token.scope, reader, seen),
  }),
  read({
    path: "/v1/trust-domains/{trustDomain}/revisions/{sequence}",
    operationId: "readRevision",
    tag,
    summary: "Read one revision with its bundle",
    permission: "trust-domain:read",
    params: revisionParams,
    answer: revisionWithBundle,
    refusals: ["not-found"],
    async read(db, { params, token }) {
      const name = referredTrustDomain(params.trustDomain);
      const reader = await revisionReader(db, token.scope, name, broker.clock());
      const revision = /^\d{1,16}$/.test(params.sequence) && (await findRevision(db, name, Number(params.sequence)));
      if (!revision) throw notFound();
      const [before] = await listRevisions(db, name, revision.position, 1);
      const seen = await seenAmong(db, token.scope, [revision.position]);
      const view = viewRevision(revision, before, token.scope, reader, seen);
      return { body: { ...view, bundle: JSON.parse(await documentOf(db, revision)) as object } };
    },
  }),
];
