import type { Upload } from "../../bundle/upload.ts";
import { fromCursor, toCursor } from "../../http/cursor.ts";
import { type Endpoint, endpoint } from "../../http/endpoint.ts";
import { pageOf } from "../../page.ts";
import { parseOptionalText } from "../../text.ts";
import { notFound } from "../access/caller.ts";
import type { Broker } from "../broker.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import {
  authoritiesParams,
  authoritiesQuery,
  authorityList,
  authorityParams,
  authorityView,
  registeredAuthorities,
  transition,
  upload,
  viewAuthority,
} from "./authority.schema.ts";
import {
  findContribution,
  listContributions,
  meshSource,
  registerAuthorities,
  transitionAuthority,
} from "./authority.service.ts";

const tag = "Authorities";

export const authorityEndpoints = (broker: Broker): Endpoint[] => [
  endpoint({
    method: "POST",
    path: "/v1/meshes/{meshId}/authorities",
    operationId: "registerAuthorities",
    tag,
    summary: "Register CA certificates or JWT signing keys, all or nothing",
    permission: "authority:change",
    params: authoritiesParams,
    body: upload,
    largeBody: true,
    answer: registeredAuthorities,
    refusals: [
      "not-found",
      "membership-pending",
      "invalid-pem",
      "private-key-submitted",
      "certificate-unreadable",
      "certificate-not-canonical",
      "certificate-not-v3",
      "certificate-not-ca",
      "certificate-key-usage",
      "certificate-serial",
      "certificate-subject-empty",
      "certificate-extensions",
      "certificate-key-not-allowed",
      "certificate-signature-algorithm",
      "certificate-self-signature",
      "certificate-expired",
      "certificate-validity",
      "certificate-spiffe-id",
      "invalid-bundle",
      "bundle-too-large",
      "bundle-entry",
      "invalid-jwk",
      "jwk-not-allowed",
      "jwk-key-id",
      "x5c-mismatch",
      "nothing-to-register",
      "authority-exists",
      "authority-revoked",
      "key-known-elsewhere",
      "key-id-taken",
    ],
    async handle({ params, body, token }) {
      const meshId = parseMeshId(params.meshId);
      const { state, ...uploaded } = body;
      const asked = uploaded as unknown as Upload;
      const done = await broker.unitOfWork.run(token, (work) => registerAuthorities(work, meshId, asked, state));
      return {
        body: { authorities: done.contributions.map(viewAuthority), warnings: done.warnings },
        location: `/v1/meshes/${meshId}/authorities`,
      };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/meshes/{meshId}/authorities",
    operationId: "listAuthorities",
    tag,
    summary: "List what a mesh contributes, in every state",
    permission: "authority:read",
    params: authoritiesParams,
    query: authoritiesQuery,
    answer: authorityList,
    refusals: ["not-found", "invalid-cursor"],
    async handle({ params, query }) {
      const source = meshSource(parseMeshId(params.meshId));
      const found = await listContributions(broker.db, source, fromCursor(query.cursor, ""), query.limit + 1);
      const page = pageOf(found, query.limit, ({ known }) => toCursor(known.authorityId));
      return { body: { ...page, authorities: page.items.map(viewAuthority) } };
    },
  }),
  endpoint({
    method: "GET",
    path: "/v1/meshes/{meshId}/authorities/{authorityId}",
    operationId: "readAuthority",
    tag,
    summary: "Read one authority as the mesh contributes it",
    permission: "authority:read",
    params: authorityParams,
    answer: authorityView,
    refusals: ["not-found"],
    async handle({ params }) {
      const found = await findContribution(broker.db, meshSource(parseMeshId(params.meshId)), params.authorityId);
      if (!found) throw notFound();
      return { body: viewAuthority(found) };
    },
  }),
  endpoint({
    method: "POST",
    path: "/v1/meshes/{meshId}/authorities/{authorityId}/transitions",
    operationId: "transitionAuthority",
    tag,
    summary: "Activate, retire or revoke an authority",
    permission: "authority:change",
    params: authorityParams,
    body: transition,
    answer: authorityView,
    refusals: ["not-found", "membership-pending", "impossible-transition", "would-empty-bundle", "invalid-text"],
    async handle({ params, body, token }) {
      const asked = { to: body.to, reason: parseOptionalText(body.reason, "/reason"), force: body.force ?? false };
      const meshId = parseMeshId(params.meshId);
      const changed = await broker.unitOfWork.run(token, (work) =>
        transitionAuthority(work, meshId, params.authorityId, asked),
      );
      return { body: viewAuthority(changed) };
    },
  }),
];
