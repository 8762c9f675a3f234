import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { parseOptionalText } from "../../text.ts";
import { referredMesh, referredTrustDomain } from "../access/caller.ts";
import type { Broker } from "../broker.ts";
import { decideMember } from "./membership.service.ts";
import {
  changedTrustDomain,
  membership,
  membershipDecision,
  trustDomainChange,
  trustDomainParams,
  trustDomainView,
  viewMembership,
  viewTrustDomain,
} from "./trust-domain.schema.ts";
import { changeTrustDomain, listTrustDomains, membersOf, readTrustDomain } from "./trust-domain.service.ts";
import { hintWarnings } from "./trust-domain-record.ts";

const tag = "Trust domains";

export const trustDomainEndpoints = (broker: Broker): Endpoint[] => [
  list({
    path: "/v1/trust-domains",
    operationId: "listTrustDomains",
    tag,
    summary: "List the trust domains of the meshes that the credential reaches",
    permission: "trust-domain:read",
    plural: "trustDomains",
    named: "TrustDomainList",
    item: trustDomainView,
    cursor: "text",
    refusals: [],
    find: (db, { token }, { after = "", limit }) => listTrustDomains(db, token.scope, after, limit),
    cursorOf: ({ name }) => name,
    view: async (record, { db }) =>
      viewTrustDomain({ record, members: await membersOf(db, record.name), generation: broker.generation }),
  }),
  read({
    path: "/v1/trust-domains/{trustDomain}",
    operationId: "readTrustDomain",
    tag,
    summary: "Read a trust domain: its current sequence, owner and members",
    permission: "trust-domain:read",
    params: trustDomainParams,
    answer: trustDomainView,
    refusals: ["not-found"],
    async read(db, { params, token }) {
      const found = await readTrustDomain(db, token.scope, referredTrustDomain(params.trustDomain));
      return { body: viewTrustDomain({ ...found, generation: broker.generation }) };
    },
  }),
  change({
    method: "PATCH",
    path: "/v1/trust-domains/{trustDomain}",
    operationId: "changeTrustDomain",
    tag,
    summary: "Set the refresh hint or the publicness; the owner's admin only",
    permission: "trust-domain:change",
    params: trustDomainParams,
    body: trustDomainChange,
    answer: changedTrustDomain,
    refusals: ["not-found", "not-the-owner", "quota-exceeded"],
    async change(work, { params, body, token }) {
      const name = referredTrustDomain(params.trustDomain);
      await changeTrustDomain(work, token, name, body);
      return {
        async body(db) {
          const found = await readTrustDomain(db, token.scope, name);
          const warnings = hintWarnings(found.record.refreshHintSeconds);
          return { ...viewTrustDomain({ ...found, generation: broker.generation }), warnings };
        },
      };
    },
  }),
  list({
    path: "/v1/trust-domains/{trustDomain}/memberships",
    operationId: "listMemberships",
    tag,
    summary: "List which meshes are members or ask to be",
    permission: "trust-domain:read",
    params: trustDomainParams,
    plural: "memberships",
    named: "MembershipList",
    item: membership,
    cursor: "text",
    refusals: ["not-found"],
    async find(db, { params, token }, { after = "", limit }) {
      const { members } = await readTrustDomain(db, token.scope, referredTrustDomain(params.trustDomain));
      return members.filter(({ meshId }) => meshId > after).slice(0, limit);
    },
    cursorOf: ({ meshId }) => meshId,
    view: viewMembership,
  }),
  change({
    method: "POST",
    path: "/v1/trust-domains/{trustDomain}/memberships",
    operationId: "decideMembership",
    tag,
    summary: "Grant, deny or expel a member; the owner's admin only",
    permission: "trust-domain:change",
    params: trustDomainParams,
    body: membershipDecision,
    answer: membership,
    refusals: [
      "not-found",
      "not-the-owner",
      "membership-decision",
      "would-empty-bundle",
      "invalid-text",
      "quota-exceeded",
    ],
    async change(work, { params, body, token }) {
      const asked = {
        meshId: referredMesh(body.meshId, "/meshId"),
        decision: body.decision,
        reason: parseOptionalText(body.reason, "/reason"),
        force: body.force ?? false,
      };
      const name = referredTrustDomain(params.trustDomain);
      return {
        body: viewMembership(await decideMember(work, token, name, asked)),
      };
    },
  }),
];
