import { change, type Endpoint } from "../../http/endpoint.ts";
import { parseMeshId } from "../meshes/mesh-id.ts";
import { authorityParams, authorityView, viewAuthority } from "./authority.schema.ts";
import { proof, proofChallenge, viewChallenge } from "./proof.schema.ts";
import { challengeMesh, proveAuthority } from "./proof.service.ts";
import type { Proof } from "./proof.ts";

const tag = "Authorities";
const authority = "/v1/meshes/{meshId}/authorities/{authorityId}";

export const proofEndpoints: readonly Endpoint[] = [
  change({
    method: "POST",
    path: `${authority}/proof-challenges`,
    operationId: "challengeAuthority",
    tag,
    summary: "Ask for a challenge, to prove that the mesh holds an authority's key; an earlier one is void",
    permission: "authority:change",
    params: authorityParams,
    creates: true,
    answer: proofChallenge,
    refusals: ["not-found", "membership-pending", "authority-revoked"],
    async change(work, { params }) {
      const meshId = parseMeshId(params.meshId);
      const { contribution, challenge } = await challengeMesh(work, meshId, params.authorityId);
      return {
        body: viewChallenge(contribution, challenge),
        location: `/v1/meshes/${meshId}/authorities/${params.authorityId}`,
      };
    },
  }),
  change({
    method: "POST",
    path: `${authority}/proofs`,
    operationId: "proveAuthority",
    tag,
    summary: "Answer the challenge with a certificate, a signature or a token that only the authority's key can make",
    permission: "authority:change",
    params: authorityParams,
    body: proof,
    largeBody: true,
    answer: authorityView,
    refusals: [
      "not-found",
      "membership-pending",
      "authority-revoked",
      "proof-challenge-expired",
      "proof-failed",
      "invalid-pem",
      "private-key-submitted",
      "certificate-unreadable",
      "certificate-not-canonical",
      "key-known-elsewhere",
      "quota-exceeded",
    ],
    async change(work, { params, body }) {
      const meshId = parseMeshId(params.meshId);
      return { body: viewAuthority(await proveAuthority(work, meshId, params.authorityId, body as unknown as Proof)) };
    },
  }),
];
