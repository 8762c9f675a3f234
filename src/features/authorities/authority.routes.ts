import type { Upload } from "../../bundle/upload.ts";
import type { ErrorCode } from "../../errors.ts";
import { change, type Endpoint, list, read } from "../../http/endpoint.ts";
import { parseOptionalText } from "../../text.ts";
import { notFound } from "../access/caller.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import {
  authoritiesParams,
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

/** Of a certificate or a JWT signing key that a mesh registers, by whichever call. */
export const newAuthorityRefusals: readonly ErrorCode[] = [
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
  "invalid-jwk",
  "jwk-not-allowed",
  "jwk-key-id",
  "authority-exists",
  "authority-revoked",
  "key-known-elsewhere",
  "key-id-taken",
  "quota-exceeded",
];

export const authorityEndpoints: readonly Endpoint[] = [
  change({
    method: "POST",
    path: "/v1/meshes/{meshId}/authorities",
    operationId: "registerAuthorities",
    tag,
    summary: "Register CA certificates or JWT signing keys, all or nothing",
    permission: "authority:change",
    params: authoritiesParams,
    body: upload,
    largeBody: true,
    creates: true,
    answer: registeredAuthorities,
    refusals: [
      ...newAuthorityRefusals,
      "not-found",
      "invalid-bundle",
      "bundle-too-large",
      "bundle-entry",
      "x5c-mismatch",
      "nothing-to-register",
    ],
    async change(work, { params, body }) {
      const meshId = parseMeshId(params.meshId);
      const { state, claim, ...uploaded } = body;
      const asked = uploaded as unknown as Upload;
      const done = await registerAuthorities(work, meshId, asked, state, claim);
      return {
        body: { authorities: done.contributions.map(viewAuthority), warnings: done.warnings },
        location: `/v1/meshes/${meshId}/authorities`,
      };
    },
  }),
  list({
    path: "/v1/meshes/{meshId}/authorities",
    operationId: "listAuthorities",
    tag,
    summary: "List what a mesh contributes, in every state",
    permission: "authority:read",
    params: authoritiesParams,
    plural: "authorities",
    named: "AuthorityList",
    item: authorityView,
    cursor: "text",
    refusals: ["not-found"],
    find: (db, { params }, { after = "", limit }) =>
      listContributions(db, meshSource(parseMeshId(params.meshId)), after, limit),
    cursorOf: ({ known }) => known.authorityId,
    view: viewAuthority,
  }),
  read({
    path: "/v1/meshes/{meshId}/authorities/{authorityId}",
    operationId: "readAuthority",
    tag,
    summary: "Read one authority as the mesh contributes it",
    permission: "authority:read",
    params: authorityParams,
    answer: authorityView,
    refusals: ["not-found"],
    async read(db, { params }) {
      const found = await findContribution(db, meshSource(parseMeshId(params.meshId)), params.authorityId);
      if (!found) throw notFound();
      return { body: viewAuthority(found) };
    },
  }),
  change({
    method: "POST",
    path: "/v1/meshes/{meshId}/authorities/{authorityId}/transitions",
    operationId: "transitionAuthority",
    tag,
    summary: "Activate, retire or revoke an authority",
    permission: "authority:change",
    params: authorityParams,
    body: transition,
    answer: authorityView,
    refusals: [
      "not-found",
      "membership-pending",
      "impossible-transition",
      "would-empty-bundle",
      "not-the-owner",
      "invalid-text",
    ],
    async change(work, { params, body }) {
      const asked = { to: body.to, reason: parseOptionalText(body.reason, "/reason"), force: body.force ?? false };
      const meshId = parseMeshId(params.meshId);
      const changed = await transitionAuthority(work, meshId, params.authorityId, asked);
      return { body: viewAuthority(changed) };
    },
  }),
];
