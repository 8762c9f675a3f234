import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { nothing } from "../../http/schemas.ts";
import { parseTrustDomain } from "../../spiffe/trust-domain.ts";
import { parseText } from "../../text.ts";
import { notFound } from "../access/caller.ts";
import { allowanceParams, allowanceView, newAllowance, viewAllowance } from "./shared-key.schema.ts";
import { allowSharedKey, disallowSharedKey, findAllowance, listAllowances } from "./shared-key.service.ts";

const tag = "Shared keys";

export const sharedKeyEndpoints: readonly Endpoint[] = [
  change({
    method: "POST",
    path: "/v1/shared-key-allowances",
    operationId: "allowSharedKey",
    tag,
    summary: "Allow two trust domains to hold the same key",
    permission: "shared-key:manage",
    body: newAllowance,
    creates: true,
    answer: allowanceView,
    refusals: ["invalid-trust-domain", "invalid-text"],
    async change(work, { body }) {
      const [a = "", b = ""] = body.trustDomains;
      const asked = {
        trustDomains: [parseTrustDomain(a, "/trustDomains/0"), parseTrustDomain(b, "/trustDomains/1")] as const,
        keyFingerprint: body.keyFingerprint ?? null,
        reason: parseText(body.reason, "/reason"),
      };
      const allowance = await allowSharedKey(work, asked);
      return { body: viewAllowance(allowance), location: `/v1/shared-key-allowances/${allowance.allowanceId}` };
    },
  }),
  list({
    path: "/v1/shared-key-allowances",
    operationId: "listSharedKeyAllowances",
    tag,
    summary: "List what is allowed",
    permission: "shared-key:read",
    plural: "sharedKeyAllowances",
    named: "SharedKeyAllowanceList",
    item: allowanceView,
    cursor: "text",
    refusals: [],
    find: (db, _call, { after = "", limit }) => listAllowances(db, after, limit),
    cursorOf: ({ allowanceId }) => allowanceId,
    view: viewAllowance,
  }),
  read({
    path: "/v1/shared-key-allowances/{allowanceId}",
    operationId: "readSharedKeyAllowance",
    tag,
    summary: "Read one allowance",
    permission: "shared-key:read",
    params: allowanceParams,
    answer: allowanceView,
    refusals: ["not-found"],
    async read(db, { params }) {
      const found = await findAllowance(db, params.allowanceId);
      if (!found) throw notFound();
      return { body: viewAllowance(found) };
    },
  }),
  change({
    method: "DELETE",
    path: "/v1/shared-key-allowances/{allowanceId}",
    operationId: "disallowSharedKey",
    tag,
    summary: "Take an allowance back; what was registered under it stays",
    permission: "shared-key:manage",
    params: allowanceParams,
    answer: nothing,
    refusals: ["not-found"],
    async change(work, { params }) {
      await disallowSharedKey(work, params.allowanceId);
      return { body: {} };
    },
  }),
];
