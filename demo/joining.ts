import type { AuthorityAnswer, FederationAnswer, InvitationAnswer, MeshAnswer, PollerAnswer } from "./answers.ts";
import { BROKER_TRUST_DOMAIN } from "./broker-process.ts";
import type { ApiRequest } from "./curl.ts";
import type { MeshProcess } from "./mesh-process.ts";
import { invitationOf, pollerOf, tokenOf, type World } from "./world.ts";

/** The requests by which a mesh joins: made as steps in the story, and without telling for the copy. */
export const inviting = ({ meshId, trustDomain }: MeshProcess): ApiRequest => ({
  method: "POST",
  path: "/v1/invitations",
  as: "OPERATOR_TOKEN",
  body: { meshId, trustDomain },
});

export const registering = (mesh: MeshProcess): ApiRequest => ({
  method: "POST",
  path: "/v1/meshes",
  as: invitationOf(mesh),
  body: { meshId: mesh.meshId, trustDomain: mesh.trustDomain, dialect: mesh.dialect },
});

export const publishing = (mesh: MeshProcess, pem: string, name: string, state?: "active"): ApiRequest => ({
  method: "POST",
  path: `/v1/meshes/${mesh.meshId}/authorities`,
  as: tokenOf(mesh),
  body: { pem, ...(state === undefined ? {} : { state }) },
  bodyFile: `${mesh.meshId}-${name}.json`,
});

export const moving = (mesh: MeshProcess, { authorityId }: AuthorityAnswer, to: string): ApiRequest => ({
  method: "POST",
  path: `/v1/meshes/${mesh.meshId}/authorities/${authorityId}/transitions`,
  as: tokenOf(mesh),
  body: { to },
});

export const hinting = (mesh: MeshProcess, refreshHintSeconds: number): ApiRequest => ({
  method: "PATCH",
  path: `/v1/trust-domains/${mesh.trustDomain}`,
  as: tokenOf(mesh),
  body: { refreshHintSeconds },
});

export const makingPoller = (mesh: MeshProcess): ApiRequest => ({
  method: "POST",
  path: `/v1/meshes/${mesh.meshId}/pollers`,
  as: tokenOf(mesh),
  body: { name: mesh.dialect === "istio" ? "istiod" : "spire-server" },
});

export const proposing = (proposer: MeshProcess, peer: MeshProcess): ApiRequest => ({
  method: "POST",
  path: "/v1/federations",
  as: tokenOf(proposer),
  body: { proposer: proposer.meshId, peer: peer.meshId },
});

export const consenting = (
  mesh: MeshProcess,
  { federationId }: FederationAnswer,
  decision: "grant" | "withdraw",
  reason?: string,
): ApiRequest => ({
  method: "POST",
  path: `/v1/federations/${federationId}/consents`,
  as: tokenOf(mesh),
  body: { meshId: mesh.meshId, decision, ...(reason === undefined ? {} : { reason }) },
});

export const askingLedger = (mesh: MeshProcess): ApiRequest => ({
  method: "GET",
  path: `/v1/meshes/${mesh.meshId}/deliveries`,
  as: tokenOf(mesh),
});

export function keepInvitation({ secrets }: World, mesh: MeshProcess, { token }: InvitationAnswer): void {
  secrets.put(invitationOf(mesh), token);
}

export function keepToken({ secrets }: World, mesh: MeshProcess, { token }: MeshAnswer): void {
  secrets.put(tokenOf(mesh), token ?? "");
}

/** Writes the poller's URL into the control plane's configuration, as its administrator would. */
export async function configurePoller(world: World, mesh: MeshProcess, { token, urls }: PollerAnswer): Promise<void> {
  world.secrets.put(pollerOf(mesh), token);
  await mesh.ask("configurePoller", {
    endpoint:
      mesh.dialect === "istio"
        ? { profile: "https_web", url: urls.istio, webRoots: [world.broker.caPem] }
        : {
            profile: "https_spiffe",
            url: urls.spiffe,
            endpointId: `spiffe://${BROKER_TRUST_DOMAIN}/bundle-endpoint`,
            endpointRoots: world.brokerRoots,
          },
  });
}
