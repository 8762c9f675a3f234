import {
  changeTrustDomain,
  createPoller,
  giveConsent,
  invite,
  listHolders,
  proposeFederation,
  registerAuthorities,
  registerMesh,
  transitionAuthority,
} from "../src/client/operations.ts";
import type {
  Authority,
  CreatedInvitation,
  CreatedPoller,
  Federation,
  RegisteredMesh,
  Transition,
} from "../src/client/schemas.ts";
import { asking, changing } from "./api.ts";
import { BROKER_TRUST_DOMAIN } from "./broker-process.ts";
import type { MeshProcess } from "./mesh-process.ts";
import { invitationOf, pollerOf, tokenOf, type World } from "./world.ts";

/** The requests by which a mesh joins: made as steps in the story, and without telling for the copy. */
export const inviting = ({ meshId, trustDomain }: MeshProcess) =>
  asking(invite, { body: { meshId, trustDomain } }, { as: "OPERATOR_TOKEN" });

export const registering = (mesh: MeshProcess) => {
  const { meshId, trustDomain, dialect } = mesh;
  return asking(registerMesh, { body: { meshId, trustDomain, dialect } }, { as: invitationOf(mesh) });
};

export const publishing = (mesh: MeshProcess, pem: string, name: string, state?: "active") =>
  asking(
    registerAuthorities,
    { path: { meshId: mesh.meshId }, body: { pem, ...(state === undefined ? {} : { state }) } },
    { as: tokenOf(mesh), bodyFile: `${mesh.meshId}-${name}.json` },
  );

export const moving = (mesh: MeshProcess, { authorityId }: Pick<Authority, "authorityId">, to: Transition["to"]) =>
  asking(transitionAuthority, { path: { meshId: mesh.meshId, authorityId }, body: { to } }, { as: tokenOf(mesh) });

export const hinting = (mesh: MeshProcess, refreshHintSeconds: number) =>
  changing(
    changeTrustDomain,
    { path: { trustDomain: mesh.trustDomain }, body: { refreshHintSeconds } },
    { as: tokenOf(mesh) },
  );

export const makingPoller = (mesh: MeshProcess) =>
  asking(
    createPoller,
    { path: { meshId: mesh.meshId }, body: { name: mesh.dialect === "istio" ? "istiod" : "spire-server" } },
    { as: tokenOf(mesh) },
  );

export const proposing = (proposer: MeshProcess, peer: MeshProcess) =>
  asking(proposeFederation, { body: { proposer: proposer.meshId, peer: peer.meshId } }, { as: tokenOf(proposer) });

export const consenting = (
  mesh: MeshProcess,
  { federationId }: Pick<Federation, "federationId">,
  decision: "grant" | "withdraw",
  reason?: string,
) =>
  asking(
    giveConsent,
    {
      path: { federationId },
      body: { meshId: mesh.meshId, decision, ...(reason === undefined ? {} : { reason }) },
    },
    { as: tokenOf(mesh) },
  );

export const askingHolders = (mesh: MeshProcess) =>
  asking(listHolders, { path: { trustDomain: mesh.trustDomain } }, { as: tokenOf(mesh) });

export function keepInvitation({ secrets }: World, mesh: MeshProcess, { token }: CreatedInvitation): void {
  secrets.put(invitationOf(mesh), token);
}

export function keepToken({ secrets }: World, mesh: MeshProcess, { token }: RegisteredMesh): void {
  secrets.put(tokenOf(mesh), token ?? "");
}

/** Writes the poller's URL into the control plane's configuration, as its administrator would. */
export async function configurePoller(world: World, mesh: MeshProcess, { token, urls }: CreatedPoller): Promise<void> {
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
