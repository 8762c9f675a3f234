import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { pageOf } from "../../page.ts";
import { isTrustDomain, type TrustDomain } from "../../spiffe/trust-domain.ts";
import { parseOptionalText } from "../../text.ts";
import { notFound } from "../access/caller.ts";
import type { Broker } from "../broker.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import { decideMember } from "./membership.service.ts";
import {
  changedTrustDomain,
  listQuery,
  membership,
  membershipDecision,
  membershipList,
  trustDomainChange,
  trustDomainList,
  trustDomainParams,
  trustDomainView,
  viewMembership,
  viewTrustDomain,
} from "./trust-domain.schema.ts";
import { changeTrustDomain, listTrustDomains, membersOf, readTrustDomain } from "./trust-domain.service.ts";

const tag = "Trust domains";

/** A name in a path: what has not even the form of one is absent like any other (S16). @throws {Refusal} `not-found` */
export function trustDomainInPath(text: string): TrustDomain {
  if (!isTrustDomain(text)) throw notFound();
  return text;
}

export const trustDomainEndpoints = (broker: Broker): Endpoint[] => [
  endpoint({
    method: "GET",
    path: "/v1/trust-domains",
    operationId: "listTrustDomains",
    tag,
    summary: "List the trust domains of the meshes that the credential reaches",
    permission: "trust-domain:read",
    query: listQuery,
    answer: trustDomainList,
    refusals: ["invalid-cursor"],
    async handle({ query, token }) {
      const found = await listTrustDomains(broker.db, token.scope, fromCursor(query.cursor, ""), query.limit + 1);
      const page = pageOf(found, query.limit, ({ name }) => toCursor(name));
      const trustDomains = [];
      for (const record of page.items) {
        trustDomains.push(
          viewTrustDomain({ record, members: await membersOf(broker.db, record.name), generation: broker.generation }),
        );
      }
      return { body: { ...page, trustDomains } };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/trust-domains/{trustDomain}",
    operationId: "readTrustDomain",
    tag,
    summary: "Read a trust domain: its current sequence, owner and members",
    permission: "trust-domain:read",
    params: trustDomainParams,
    answer: trustDomainView,
    refusals: ["not-found"],
    async handle({ params, token }) {
      const found = await readTrustDomain(broker.db, token.scope, trustDomainInPath(params.trustDomain));
      return { body: viewTrustDomain({ ...found, generation: broker.generation }) };
    },
  }),
  endpoint({
    method: "PATCH",
    path: "/v1/trust-domains/{trustDomain}",
    operationId: "changeTrustDomain",
    tag,
    summary: "Set the refresh hint or the publicness; the owner's admin only",
    permission: "trust-domain:change",
    params: trustDomainParams,
    body: trustDomainChange,
    answer: changedTrustDomain,
    refusals: ["not-found", "not-the-owner"],
    async handle({ params, body, token }) {
      const name = trustDomainInPath(params.trustDomain);
      await broker.unitOfWork.run(token, (work) => changeTrustDomain(work, token, name, body));
      const found = await readTrustDomain(broker.db, token.scope, name);
      const { refreshHintSeconds } = found.record;
      const warnings =
        refreshHintSeconds < 60
          ? [
              {
                code: "short-refresh-hint",
                message: "SPIRE polls once a minute at most; istiod every 30 minutes",
                pointer: "/refreshHintSeconds",
              },
            ]
          : [];
      return { body: { ...viewTrustDomain({ ...found, generation: broker.generation }), warnings } };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/trust-domains/{trustDomain}/memberships",
    operationId: "listMemberships",
    tag,
    summary: "List which meshes are members or ask to be",
    permission: "trust-domain:read",
    params: trustDomainParams,
    answer: membershipList,
    refusals: ["not-found"],
    async handle({ params, token }) {
      const { members } = await readTrustDomain(broker.db, token.scope, trustDomainInPath(params.trustDomain));
      return { body: { memberships: members.map(viewMembership) } };
    },
  }),
  endpoint({
    method: "POST",
    path: "/v1/trust-domains/{trustDomain}/memberships",
    operationId: "decideMembership",
    tag,
    summary: "Grant, deny or expel a member; the owner's admin only",
    permission: "trust-domain:change",
    params: trustDomainParams,
    body: membershipDecision,
    answer: membership,
    refusals: ["not-found", "not-the-owner", "membership-decision", "invalid-mesh-id", "invalid-text"],
    async handle({ params, body, token }) {
      const asked = {
        meshId: parseMeshId(body.meshId, "/meshId"),
        decision: body.decision,
        reason: parseOptionalText(body.reason, "/reason"),
      };
      const name = trustDomainInPath(params.trustDomain);
      return {
        body: viewMembership(await broker.unitOfWork.run(token, (work) => decideMember(work, token, name, asked))),
      };
    },
  }),
];
