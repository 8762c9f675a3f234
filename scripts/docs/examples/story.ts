import {
  deliver,
  join,
  playBreakGlass,
  playBroker,
  playCodes,
  playDistrusts,
  playDocument,
  playInvitations,
  playProof,
  playSharedKeys,
  playSuspension,
  playTokens,
  playTrustDomain,
} from "./chapters.ts";
import { exampleCa, exampleJwk } from "./material.ts";
import type { Play } from "./record.ts";
import type { StillBroker } from "./still-broker.ts";

/**
 * What the examples of the contract are recorded from: each operation is called at least once, and its first call is the
 * one that is shown. A new operation gets a line where the story has what it needs.
 */
export async function story(play: Play, still: StillBroker): Promise<void> {
  const operator = still.operatorToken;
  for (const operationId of ["livez", "readyz"]) await play(operationId);

  const invited = await play("invite", { as: operator, body: { trustDomain: "shop.example", meshId: "shop" } });
  const registered = await play("registerMesh", {
    as: invited.token,
    body: {
      meshId: "shop",
      trustDomain: "shop.example",
      displayName: "The shop",
      dialect: "spire",
      labels: { region: "eu" },
    },
  });
  const shop = { as: registered.token as string, parameters: { meshId: "shop" } };
  const bank = await join(play, operator, "bank");

  const now = still.broker.clock();
  const root = exampleCa("shop.example", "shop.example root 1", now);
  const uploaded = await play("registerAuthorities", { ...shop, body: { pem: root.pem } });
  await play("registerAuthorities", { ...shop, body: { jwk: exampleJwk("shop-jwt-1") } });
  await play("registerAuthorities", {
    ...bank,
    body: { pem: exampleCa("bank.example", "bank.example root 1", now).pem },
  });
  const [authority] = uploaded.authorities;
  const ofAuthority = { ...shop, parameters: { meshId: "shop", authorityId: authority.authorityId as string } };

  const poller = await play("createPoller", { ...shop, body: { name: "spire-server", cluster: "eu-1", replicas: 3 } });
  const ofPoller = { ...shop, parameters: { meshId: "shop", pollerId: poller.pollerId as string } };
  const banks = await play("createPoller", { ...bank, body: { name: "istiod", dialect: "istio" } });

  const proposed = await play("proposeFederation", {
    as: shop.as,
    body: { proposer: "shop", peer: "bank", reason: "payments" },
  });
  const { federationId } = proposed as { federationId: string };
  await play("giveConsent", {
    as: bank.as,
    parameters: { federationId },
    body: { meshId: "bank", decision: "grant", termsDigest: proposed.terms.termsDigest },
  });
  await play("askForTerms", {
    as: shop.as,
    parameters: { federationId },
    body: { meshId: "shop", expiresAt: "2027-11-24T00:00:00.000Z", reason: "for a year" },
  });
  await play("readFederation", { as: bank.as, parameters: { federationId } });
  await play("listFederations", { as: bank.as, parameters: { limit: 20 } });
  await playCodes(play, bank);

  await playTrustDomain(play, operator, shop.as);
  await deliver(still, banks.pollerId, shop.as, play);
  await play("listHolders", { as: shop.as, parameters: { trustDomain: "shop.example" } });
  await play("listDeliveries", { as: bank.as, parameters: { meshId: "bank" } });

  await playProof(play, ofAuthority, root);
  await play("listAuthorities", shop);
  await play("readAuthority", ofAuthority);
  await play("registerAuthorities", {
    ...shop,
    body: { pem: exampleCa("shop.example", "shop.example root 2", now).pem },
  });
  await play("transitionAuthority", { ...ofAuthority, body: { to: "retiring", reason: "root 2 signs from now on" } });

  await play("listPollers", shop);
  await play("readPoller", ofPoller);
  await play("changePoller", { ...ofPoller, body: { replicas: 5 } });
  await play("rotatePoller", { ...ofPoller, body: { overlapSeconds: 86_400 } });
  await play("revokePoller", ofPoller);
  await playDistrusts(play, bank, authority.fingerprint);

  await playTokens(play, operator, shop.as);
  await playSharedKeys(play, operator);
  await playInvitations(play, operator);

  await play("listDirectory", { as: bank.as, parameters: { limit: 20 } });
  await play("listMeshes", { as: operator, parameters: { limit: 20 } });
  await play("readMesh", shop);
  await play("changeMesh", { ...shop, body: { displayName: "The web shop" } });
  await play("listAuditEvents", { as: operator, parameters: { meshId: "shop", type: "token.created", limit: 3 } });
  await play("readAuditEvent", { as: operator, parameters: { position: "10" } });
  await play("metrics", { as: operator });
  await playDocument(play, bank, now);
  await playSuspension(play, operator);
  await playBreakGlass(play, operator, bank);
  await playBroker(play, operator);
  await play("deleteMesh", { ...bank, parameters: { meshId: "bank", withdraw: true } });
}
