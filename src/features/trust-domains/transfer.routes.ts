import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { parseOptionalText } from "../../text.ts";
import { referredMesh, referredTrustDomain } from "../access/caller.ts";
import { newTransfer, transferDecision, transferParams, transferView, viewTransfer } from "./transfer.schema.ts";
import { decideTransfer, offerTransfer, readTransfer, transfersOf } from "./transfer.service.ts";
import { trustDomainParams } from "./trust-domain.schema.ts";

const tag = "Trust domains";

export const transferEndpoints: readonly Endpoint[] = [
  change({
    method: "POST",
    path: "/v1/trust-domains/{trustDomain}/transfers",
    operationId: "offerTransfer",
    tag,
    summary: "Offer the trust domain to a member; the owner's admin only, one offer at a time",
    permission: "trust-domain:change",
    params: trustDomainParams,
    body: newTransfer,
    creates: true,
    answer: transferView,
    refusals: ["not-found", "not-the-owner", "membership-pending", "transfer-open", "invalid-text"],
    async change(work, { params, body, token }) {
      const name = referredTrustDomain(params.trustDomain);
      const asked = {
        meshId: referredMesh(body.meshId, "/meshId"),
        reason: parseOptionalText(body.reason, "/reason"),
      };
      const offered = await offerTransfer(work, token, name, asked);
      const location = `/v1/trust-domains/${name}/transfers/${offered.transfer.transferId}`;
      return { body: viewTransfer(offered), location };
    },
  }),
  list({
    path: "/v1/trust-domains/{trustDomain}/transfers",
    operationId: "listTransfers",
    tag,
    summary: "List the offers of a trust domain to its members",
    permission: "trust-domain:read",
    params: trustDomainParams,
    plural: "transfers",
    named: "TransferList",
    item: transferView,
    cursor: "text",
    refusals: ["not-found"],
    find: (db, { params, token }, { after = "", limit }) =>
      transfersOf(db, token.scope, referredTrustDomain(params.trustDomain), { after, limit }),
    cursorOf: ({ transfer }) => transfer.transferId,
    view: viewTransfer,
  }),
  read({
    path: "/v1/trust-domains/{trustDomain}/transfers/{transferId}",
    operationId: "readTransfer",
    tag,
    summary: "Read an offer of a trust domain",
    permission: "trust-domain:read",
    params: transferParams,
    answer: transferView,
    refusals: ["not-found"],
    async read(db, { params, token }) {
      const name = referredTrustDomain(params.trustDomain);
      return { body: viewTransfer(await readTransfer(db, token.scope, name, params.transferId)) };
    },
  }),
  change({
    method: "POST",
    path: "/v1/trust-domains/{trustDomain}/transfers/{transferId}/decisions",
    operationId: "decideTransfer",
    tag,
    summary: "Accept or decline an offered trust domain, or take the offer back",
    permission: "trust-domain:change",
    params: transferParams,
    body: transferDecision,
    answer: transferView,
    refusals: ["not-found", "transfer-decision", "invalid-text"],
    async change(work, { params, body, token }) {
      const name = referredTrustDomain(params.trustDomain);
      const asked = {
        meshId: referredMesh(body.meshId, "/meshId"),
        decision: body.decision,
        reason: parseOptionalText(body.reason, "/reason"),
      };
      const decided = await decideTransfer(work, token, { name, transferId: params.transferId }, asked);
      return { body: viewTransfer(decided) };
    },
  }),
];
