import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { pageOf } from "../../page.ts";
import { parseTrustDomain } from "../../spiffe/trust-domain.ts";
import { parseText } from "../../text.ts";
import { notFound } from "../access/caller.ts";
import type { Broker } from "../broker.ts";
import {
  allowanceList,
  allowanceParams,
  allowanceQuery,
  allowanceView,
  newAllowance,
  viewAllowance,
} from "./shared-key.schema.ts";
import { allowSharedKey, disallowSharedKey, findAllowance, listAllowances } from "./shared-key.service.ts";

const tag = "Shared keys";

export const sharedKeyEndpoints = (broker: Broker): Endpoint[] => [
  endpoint({
    method: "POST",
    path: "/v1/shared-key-allowances",
    operationId: "allowSharedKey",
    tag,
    summary: "Allow two trust domains to hold the same key",
    permission: "shared-key:manage",
    body: newAllowance,
    answer: allowanceView,
    refusals: ["invalid-trust-domain", "invalid-text"],
    async handle({ body, token }) {
      const [a = "", b = ""] = body.trustDomains;
      const asked = {
        trustDomains: [parseTrustDomain(a, "/trustDomains/0"), parseTrustDomain(b, "/trustDomains/1")] as const,
        keyFingerprint: body.keyFingerprint ?? null,
        reason: parseText(body.reason, "/reason"),
      };
      const allowance = await broker.unitOfWork.run(token, (work) => allowSharedKey(work, asked));
      return { body: viewAllowance(allowance), location: `/v1/shared-key-allowances/${allowance.allowanceId}` };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/shared-key-allowances",
    operationId: "listSharedKeyAllowances",
    tag,
    summary: "List what is allowed",
    permission: "shared-key:read",
    query: allowanceQuery,
    answer: allowanceList,
    refusals: ["invalid-cursor"],
    async handle({ query }) {
      const found = await listAllowances(broker.db, fromCursor(query.cursor, ""), query.limit + 1);
      const page = pageOf(found, query.limit, ({ allowanceId }) => toCursor(allowanceId));
      return { body: { ...page, sharedKeyAllowances: page.items.map(viewAllowance) } };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/shared-key-allowances/{allowanceId}",
    operationId: "readSharedKeyAllowance",
    tag,
    summary: "Read one allowance",
    permission: "shared-key:read",
    params: allowanceParams,
    answer: allowanceView,
    refusals: ["not-found"],
    async handle({ params }) {
      const found = await findAllowance(broker.db, params.allowanceId);
      if (!found) throw notFound();
      return { body: viewAllowance(found) };
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/v1/shared-key-allowances/{allowanceId}",
    operationId: "disallowSharedKey",
    tag,
    summary: "Take an allowance back; what was registered under it stays",
    permission: "shared-key:manage",
    params: allowanceParams,
    answer: nothing,
    refusals: ["not-found"],
    async handle({ params, token }) {
      await broker.unitOfWork.run(token, (work) => disallowSharedKey(work, params.allowanceId));
      return { body: {} };
    },
  }),
];
