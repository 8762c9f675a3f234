import { saveDeliveries } from "../../../src/features/deliveries/delivery.service.ts";
import type { Delivery } from "../../../src/features/deliveries/delivery.ts";
import type { EpochMs } from "../../../src/time.ts";
import { type ExampleCa, exampleCa } from "./material.ts";
import type { Asked, Play } from "./record.ts";
import type { StillBroker } from "./still-broker.ts";

/** A mesh with its admin's token. */
export interface Member {
  readonly as: string;
  readonly parameters: { readonly meshId: string };
}

export async function join(
  play: Play,
  operator: string,
  meshId: string,
  trustDomain = `${meshId}.example`,
): Promise<Member> {
  const invited = await play("invite", { as: operator, body: { trustDomain } });
  const { token } = await play("registerMesh", { as: invited.token, body: { meshId, trustDomain } });
  return { as: token, parameters: { meshId } };
}

export async function playCodes(play: Play, mesh: Member): Promise<void> {
  const { codeId } = await play("createFederationCode", {
    ...mesh,
    body: { trust: ["provider"], reason: "for depot" },
  });
  const ofCode = { ...mesh, parameters: { ...mesh.parameters, codeId } };
  await play("listFederationCodes", mesh);
  await play("readFederationCode", ofCode);
  await play("revokeFederationCode", ofCode);
}

export async function playTrustDomain(play: Play, operator: string, owner: string): Promise<void> {
  const of = { as: owner, parameters: { trustDomain: "shop.example" } };
  await play("changeTrustDomain", { ...of, body: { refreshHintSeconds: 120 } });
  await play("readTrustDomain", of);
  await play("listTrustDomains", { as: operator, parameters: { limit: 20 } });
  await join(play, operator, "shop-us", "shop.example");
  await play("decideMembership", {
    ...of,
    body: { meshId: "shop-us", decision: "grant", reason: "our second cluster" },
  });
  await play("listMemberships", of);
  const { revisions } = await play("listRevisions", of);
  const sequence = String(revisions[0].sequence);
  await play("readRevision", { ...of, parameters: { trustDomain: "shop.example", sequence } });
  await playTransfer(play, of);
}

/** bank's control plane has fetched shop's bundle, which the bundle endpoint's thread would say. */
export async function deliver(still: StillBroker, pollerId: string, as: string, play: Play): Promise<void> {
  const { revisions } = await play("listRevisions", { as, parameters: { trustDomain: "shop.example" } });
  const { sequence } = revisions[0];
  const at = still.broker.clock();
  const fetched = {
    pollerId,
    meshId: "bank",
    trustDomain: "shop.example",
    projection: "istio",
    sequence,
    revision: sequence,
    at,
  };
  await saveDeliveries(still.broker.db, [fetched as Delivery]);
}

export async function playTokens(play: Play, operator: string, admin: string): Promise<void> {
  const body = { name: "dashboards", role: "mesh-viewer", meshes: ["shop"], expiresInSeconds: 2_592_000 };
  const { tokenId } = await play("createToken", { as: admin, body });
  await play("listTokens", { as: operator, parameters: { limit: 20 } });
  await play("readToken", { as: admin, parameters: { tokenId } });
  const rotated = await play("rotateToken", { as: admin, parameters: { tokenId }, body: {} });
  await play("revokeToken", { as: admin, parameters: { tokenId: rotated.tokenId } });
}

export async function playSharedKeys(play: Play, operator: string): Promise<void> {
  const body = { trustDomains: ["shop.example", "bank.example"], reason: "one HSM for both" };
  const { allowanceId } = await play("allowSharedKey", { as: operator, body });
  await play("listSharedKeyAllowances", { as: operator });
  await play("readSharedKeyAllowance", { as: operator, parameters: { allowanceId } });
  await play("disallowSharedKey", { as: operator, parameters: { allowanceId } });
}

export async function playInvitations(play: Play, operator: string): Promise<void> {
  const { invitationId } = await play("invite", { as: operator, body: { trustDomain: "depot.example" } });
  await play("listInvitations", { as: operator, parameters: { limit: 20 } });
  await play("readInvitation", { as: operator, parameters: { invitationId } });
  await play("revokeInvitation", { as: operator, parameters: { invitationId } });
}

export async function playDistrusts(play: Play, consumer: Member, fingerprint: string): Promise<void> {
  const body = { trustDomain: "shop.example", fingerprint, reason: "its key may have leaked" };
  const { distrustId } = await play("distrust", { ...consumer, body });
  const ofDistrust = { ...consumer, parameters: { ...consumer.parameters, distrustId } };
  await play("listDistrusts", consumer);
  await play("readDistrust", ofDistrust);
  await play("liftDistrust", ofDistrust);
}

export async function playSuspension(play: Play, operator: string): Promise<void> {
  const shop = { as: operator, parameters: { meshId: "shop" } };
  await play("suspendMesh", { ...shop, body: { reason: "asked for by its owner" } });
  await play("readSuspension", shop);
  await play("endSuspension", shop);
}

export async function playBreakGlass(play: Play, operator: string, bank: Member): Promise<void> {
  const proposed = await play("proposeFederation", { as: bank.as, body: { proposer: "bank", peer: "shop-us" } });
  const reason = "INC-4711: its admins cannot be reached";
  const body = { federationId: proposed.federationId, meshId: "shop-us", decision: "grant", reason };
  await play("consentByBreakGlass", { as: operator, body });
  await play("makeTokenByBreakGlass", { as: operator, body: { meshId: "bank", name: "recovery", reason } });
}

export async function playProof(play: Play, ofAuthority: Asked, root: ExampleCa): Promise<void> {
  const { spiffeId } = await play("challengeAuthority", ofAuthority);
  await play("proveAuthority", { ...ofAuthority, body: { certificate: root.issue(spiffeId) } });
}

async function playTransfer(play: Play, of: Asked): Promise<void> {
  const body = { meshId: "shop-us", reason: "headquarters move" };
  const { transferId } = await play("offerTransfer", { ...of, body });
  const ofTransfer = { ...of, parameters: { ...of.parameters, transferId } };
  await play("listTransfers", of);
  await play("readTransfer", ofTransfer);
  await play("decideTransfer", { ...ofTransfer, body: { meshId: "shop", decision: "withdraw", reason: "they stay" } });
}

/** A mesh from a file that lies in Git. */
export async function playDocument(play: Play, mesh: Member, now: EpochMs): Promise<void> {
  const { pem } = exampleCa("bank.example", "bank.example root 2", now);
  const body = {
    mesh: { displayName: "The bank", labels: { region: "eu" } },
    trustDomain: { refreshHintSeconds: 300 },
    authorities: [{ pem, state: "prepared" }],
    pollers: [{ name: "istiod-2", dialect: "istio" }],
    federations: [{ peer: "shop" }],
  };
  await play("putMeshDocument", { ...mesh, body });
  await play("readMeshDocument", mesh);
}

export async function playBroker(play: Play, operator: string): Promise<void> {
  await play("readBroker", { as: operator });
  await play("startCaRollover", { as: operator, body: { reason: "INC-4712: its key file was copied" } });
}
