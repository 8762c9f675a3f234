import { expect, it } from "vitest";
import * as invitations from "../../src/features/access/invitation.store.ts";
import type { Invitation } from "../../src/features/access/invitation.ts";
import * as tokens from "../../src/features/access/token.store.ts";
import type { Token } from "../../src/features/access/token.ts";
import { findEvent, listEvents } from "../../src/features/audit/audit.store.ts";
import * as authorities from "../../src/features/authorities/authority.store.ts";
import {
  CONTRIBUTION_STATES,
  type Contribution,
  type KnownAuthority,
} from "../../src/features/authorities/contribution.ts";
import * as proofs from "../../src/features/authorities/proof.store.ts";
import * as bundles from "../../src/features/bundles/bundle.store.ts";
import type { BundleAccess, Revision } from "../../src/features/bundles/bundle.ts";
import {
  allLivePollers,
  livePollers,
  pollersOwing,
  publishedDomains,
} from "../../src/features/bundles/publication.store.ts";
import * as deliveries from "../../src/features/deliveries/delivery.store.ts";
import type { Delivery } from "../../src/features/deliveries/delivery.ts";
import { decideConsent } from "../../src/features/federations/consent.ts";
import * as federations from "../../src/features/federations/federation.store.ts";
import { type Federation, proposeFederation } from "../../src/features/federations/federation.ts";
import { bothDirections, makeTerms, type Party } from "../../src/features/federations/terms.ts";
import { decideVeto } from "../../src/features/federations/veto.ts";
import * as meshes from "../../src/features/meshes/mesh.store.ts";
import { type MeshId, parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import * as pollers from "../../src/features/pollers/poller.store.ts";
import type { Poller } from "../../src/features/pollers/poller.ts";
import * as sharedKeys from "../../src/features/shared-keys/shared-key.store.ts";
import * as trustDomains from "../../src/features/trust-domains/trust-domain.store.ts";
import { parseTrustDomain, type TrustDomain } from "../../src/spiffe/trust-domain.ts";
import { parseText } from "../../src/text.ts";
import { DAY_MS, type EpochMs, HOUR_MS } from "../../src/time.ts";
import { describeOnEachEngine, type OpenDatabase } from "../support/databases.ts";
import { BROKER_DOMAIN, NOON, type StoreBroker, storeBroker } from "../support/store-broker.ts";
import { testCa } from "../support/test-ca.ts";

const shop = parseMeshId("shop");
const bank = parseMeshId("bank");
const absent = parseMeshId("absent");
const shopDomain = parseTrustDomain("shop.example");
const bankDomain = parseTrustDomain("bank.example");
const all = { all: true } as const;
const only = (...names: readonly MeshId[]) => ({ all: false, meshes: names }) as const;
/** More than 32 bits, as every sequence of a restored broker is. */
const LARGE = 5 * 2 ** 32 + 7;

async function twoMeshes(open: OpenDatabase): Promise<StoreBroker> {
  const broker = await storeBroker(await open());
  await broker.register("shop", shopDomain);
  await broker.register("bank", bankDomain);
  return broker;
}

const known = (trustDomain: TrustDomain, name: string, notAfter = NOON + 100 * DAY_MS): KnownAuthority => ({
  authorityId: name,
  trustDomain,
  authority: testCa({ trustDomain, notBefore: NOON - DAY_MS, notAfter }).authority(NOON),
  createdAt: NOON,
  revokedAt: null,
  revokedReason: null,
});
const broughtBy = (meshId: string, authority: KnownAuthority): Contribution => ({
  known: authority,
  source: { kind: "mesh", id: meshId },
  state: "active",
  createdAt: NOON,
  changedAt: NOON,
  reason: null,
  provedAt: null,
});
const revision = (position: number, fingerprints: readonly string[]): Revision => ({
  trustDomain: shopDomain,
  position,
  sequence: 5 * 2 ** 32 + position,
  digest: `digest ${position}`,
  refreshHintSeconds: 300,
  lastModifiedSeconds: NOON / 1000,
  actingMesh: "shop",
  fingerprints,
  at: NOON,
  cause: "authority.contributed",
  actor: "tok_1",
  reason: null,
});
const poller = (pollerId: string, more: Partial<Poller> = {}): Poller => ({
  pollerId,
  meshId: bank,
  name: parseText(`poller ${pollerId}`, ""),
  cluster: null,
  dialect: "istio",
  dialectVersion: null,
  replicas: 2,
  position: 9,
  createdAt: NOON,
  expiresAt: null,
  revokedAt: null,
  formerUrlsUntil: null,
  rotatedAt: null,
  ...more,
});

describeOnEachEngine("what a store takes it gives back", (open) => {
  it("meshes, found by scope and in the directory; one that is gone keeps its ID", async () => {
    const { db } = await twoMeshes(open);
    const mesh = await meshes.findMesh(db, shop);
    expect(mesh).toMatchObject({ meshId: shop, trustDomain: shopDomain, membership: "granted", listed: true });
    if (!mesh) return;
    const changed = { ...mesh, displayName: parseText("Shop", ""), labels: { tier: "gold" }, listed: false };
    await meshes.updateMesh(db, changed);
    expect(await meshes.findMesh(db, shop)).toEqual(changed);
    const ids = (found: readonly { meshId: MeshId }[]) => found.map(({ meshId }) => meshId);
    expect(ids(await meshes.listMeshes(db, all, [], "", 9))).toEqual([bank, shop]);
    expect(ids(await meshes.listMeshes(db, all, [], bank, 9))).toEqual([shop]);
    expect(ids(await meshes.listMeshes(db, only(shop), [], "", 9))).toEqual([shop]);
    expect(await meshes.listMeshes(db, only(), [], "", 9)).toEqual([]);
    expect(ids(await meshes.listDirectory(db, "", 9))).toEqual([bank]);
    await meshes.markMeshDeleted(db, shop, NOON);
    expect(await meshes.findMesh(db, shop)).toBeUndefined();
    expect(await meshes.isMeshIdTaken(db, shop)).toBe(true);
    expect(await meshes.isMeshIdTaken(db, absent)).toBe(false);
  });

  it("trust domains and memberships; saving keeps the newest revision, which is the publisher's", async () => {
    const { db } = await twoMeshes(open);
    await bundles.insertRevision(db, revision(7, []));
    const record = await trustDomains.findTrustDomain(db, shopDomain);
    expect(record).toMatchObject({ owner: shop, public: false, revisionPosition: 7 });
    if (!record) return;
    await trustDomains.saveTrustDomain(db, { ...record, public: true, revisionPosition: null });
    expect(await trustDomains.findTrustDomain(db, shopDomain)).toEqual({ ...record, public: true });
    const names = async (scope: Parameters<typeof trustDomains.listTrustDomains>[1]) =>
      (await trustDomains.listTrustDomains(db, scope, "", 9)).map(({ name }) => name);
    expect(await names(all)).toEqual([bankDomain, BROKER_DOMAIN, shopDomain]);
    expect(await names(only(shop))).toEqual([shopDomain]);
    const membership = await trustDomains.findMembership(db, shop);
    expect(membership).toMatchObject({ state: "granted", requestedAt: NOON, decidedAt: NOON, reason: null });
    if (!membership) return;
    await trustDomains.saveMembership(db, { ...membership, state: "expelled", reason: "late" });
    expect(await trustDomains.membershipsOf(db, shopDomain)).toEqual([
      { ...membership, state: "expelled", reason: "late" },
    ]);
    expect(await names(only(shop))).toEqual([]);
    await trustDomains.deleteMembership(db, shop);
    expect(await trustDomains.findMembership(db, shop)).toBeUndefined();
    expect(await trustDomains.findBroker(db)).toEqual({ trustDomain: BROKER_DOMAIN, generation: 0, cursorKey: null });
  });

  it("one open challenge a contribution: a newer one takes its place, none is left when it is taken away", async () => {
    const { db } = await twoMeshes(open);
    const authority = known(shopDomain, "aut_1");
    await authorities.insertAuthority(db, authority);
    const [ours, theirs] = [broughtBy(shop, authority), broughtBy(bank, authority)];
    expect(await proofs.findChallenge(db, ours)).toBeUndefined();
    const [first, second] = ["one", "two"].map((nonce) => ({ nonce, expiresAt: NOON + HOUR_MS }));
    if (!first || !second) return;
    for (const challenge of [first, second]) await proofs.saveChallenge(db, ours, challenge);
    await proofs.saveChallenge(db, theirs, first);
    expect(await proofs.findChallenge(db, ours)).toEqual(second);
    await proofs.deleteChallenge(db, ours);
    expect(await proofs.findChallenge(db, ours)).toBeUndefined();
    expect(await proofs.findChallenge(db, theirs)).toEqual(first);
  });

  it("authorities and contributions, by source, fingerprint, key and expiry", async () => {
    const { db } = await twoMeshes(open);
    const one = known(shopDomain, "aut_1", NOON + HOUR_MS);
    const jwt: KnownAuthority = {
      ...known(shopDomain, "aut_2"),
      authority: {
        type: "jwt",
        fingerprint: "f",
        keyFingerprint: "k",
        keyId: "kid 1",
        jwk: { kty: "EC", crv: "P-256", x: "x", y: "y" },
      },
    };
    expect(await authorities.standingContributions(db, shopDomain)).toEqual([]);
    for (const authority of [one, jwt]) {
      await authorities.insertAuthority(db, authority);
      await authorities.saveContribution(db, broughtBy(shop, authority));
    }
    const { fingerprint, keyFingerprint } = one.authority;
    expect(await authorities.findAuthority(db, shopDomain, fingerprint)).toEqual(one);
    expect(await authorities.findAuthority(db, bankDomain, fingerprint)).toBeUndefined();
    expect(await authorities.findKeyId(db, shopDomain, "kid 1")).toEqual(jwt);
    expect(await authorities.holdingsOfKey(db, keyFingerprint)).toEqual([{ known: one, proved: false }]);
    await authorities.saveContribution(db, { ...broughtBy(bank, one), state: "claimed" });
    await authorities.saveContribution(db, { ...broughtBy(shop, one), provedAt: NOON });
    expect(await authorities.holdingsOfKey(db, keyFingerprint)).toEqual([{ known: one, proved: true }]);
    await authorities.saveContribution(db, { ...broughtBy(shop, one), state: "claimed" });
    expect(await authorities.holdingsOfKey(db, keyFingerprint)).toEqual([]);
    await authorities.saveContribution(db, broughtBy(shop, one));
    const source = { kind: "mesh", id: shop } as const;
    expect(await authorities.findContribution(db, source, "aut_1")).toEqual(broughtBy(shop, one));
    expect(await authorities.listContributions(db, source, "aut_1", 9)).toEqual([broughtBy(shop, jwt)]);
    expect(await authorities.standingContributions(db, shopDomain)).toHaveLength(2);
    const retired = { ...broughtBy(shop, one), state: "retired", changedAt: NOON + 1, reason: "old" } as const;
    await authorities.saveContribution(db, retired);
    expect(await authorities.findContribution(db, source, "aut_1")).toEqual(retired);
    expect(await authorities.trustDomainsExpiringBetween(db, NOON, NOON + HOUR_MS)).toEqual([shopDomain]);
    expect(await authorities.trustDomainsExpiringBetween(db, NOON + HOUR_MS, NOON + DAY_MS)).toEqual([]);
    expect(await authorities.isKeyRevoked(db, shopDomain, keyFingerprint)).toBe(false);
    await authorities.markAuthorityRevoked(db, "aut_1", NOON + 2, "stolen");
    expect(await authorities.isKeyRevoked(db, shopDomain, keyFingerprint)).toBe(true);
    expect(await authorities.findAuthority(db, shopDomain, fingerprint)).toEqual({
      ...one,
      revokedAt: NOON + 2,
      revokedReason: "stolen",
    });
  });

  it("of what is published, and of what expires of it, nothing is read that was retired, revoked, claimed or a stranger's", async () => {
    const { db } = await twoMeshes(open);
    const bring = async (
      name: string,
      meshId: MeshId,
      state: Contribution["state"],
      revokedAt: EpochMs | null = null,
    ) => {
      const authority = { ...known(shopDomain, name, NOON + HOUR_MS), revokedAt };
      await authorities.insertAuthority(db, authority);
      await authorities.saveContribution(db, { ...broughtBy(meshId, authority), state });
    };
    for (const state of CONTRIBUTION_STATES) await bring(`aut_${state}`, shop, state);
    await bring("aut_revoked", shop, "active", NOON);
    await bring("aut_strange", bank, "active");
    const published = ["aut_active", "aut_prepared", "aut_retiring"];
    const found = await authorities.publishingContributions(db, shopDomain);
    expect(found.map(({ known }) => known.authorityId).sort()).toEqual(published);
    const expiring = await authorities.authoritiesExpiring(db, NOON, NOON + HOUR_MS);
    expect(expiring.map(({ authorityId }) => authorityId).sort()).toEqual(published);
    expect(await authorities.authoritiesExpiring(db, NOON + HOUR_MS, NOON + DAY_MS)).toEqual([]);
    expect(await authorities.standingContributions(db, shopDomain)).toHaveLength(CONTRIBUTION_STATES.length + 1);
  });

  it("revisions, and what the bundle endpoint needs of the newest", async () => {
    const { db } = await twoMeshes(open);
    const authority = known(shopDomain, "aut_1");
    await authorities.insertAuthority(db, authority);
    const first = revision(7, []);
    const second = revision(9, [authority.authority.fingerprint]);
    for (const one of [first, second]) await bundles.insertRevision(db, one);
    expect(await bundles.newestRevision(db, shopDomain)).toEqual(second);
    expect(await bundles.newestRevision(db, bankDomain)).toBeUndefined();
    expect(await bundles.findRevision(db, shopDomain, first.sequence)).toEqual(first);
    expect(await bundles.listRevisions(db, shopDomain, 10, 9)).toEqual([second, first]);
    expect(await bundles.listRevisions(db, shopDomain, 9, 9)).toEqual([first]);
    const served = {
      trustDomain: shopDomain,
      position: 9,
      lastModifiedSeconds: NOON / 1000,
      refreshHintSeconds: 300,
      public: false,
      authorities: [{ authority: authority.authority, dropAt: NOON + 101 * DAY_MS }],
    };
    expect(await publishedDomains(db, "all")).toEqual([served]);
    expect(await publishedDomains(db, [shopDomain])).toEqual([served]);
    expect(await publishedDomains(db, [])).toEqual([]);
  });

  it("accesses and what falls due", async () => {
    const { db } = await twoMeshes(open);
    await db.deleteFrom("bundle_access").execute();
    const granted: BundleAccess = {
      meshId: bank,
      trustDomain: shopDomain,
      state: "granted",
      position: LARGE,
      lastModifiedSeconds: 12,
      until: NOON + 50,
      at: NOON,
      distrusted: ["a", "b"],
    };
    expect(await bundles.earliestPublicationDeadline(db)).toBeNull();
    await bundles.saveAccess(db, granted);
    expect(await bundles.findAccess(db, bank, shopDomain)).toEqual(granted);
    expect(await bundles.latestRegrantSeconds(db, shopDomain)).toBe(12);
    expect(await bundles.latestRegrantSeconds(db, bankDomain)).toBe(0);
    await bundles.setNextDeadline(db, shopDomain, NOON + 70);
    expect(await bundles.earliestPublicationDeadline(db)).toBe(NOON + 50);
    const pair = { meshId: bank, trustDomain: shopDomain };
    expect(await bundles.accessesDue(db, NOON + 49)).toEqual([]);
    expect(await bundles.accessesDue(db, NOON + 50)).toEqual([pair]);
    expect(await bundles.bundlesDue(db, NOON + 69, 9)).toEqual([]);
    expect(await bundles.bundlesDue(db, NOON + 70, 9)).toEqual([shopDomain]);
    const withdrawn: BundleAccess = { ...granted, state: "withdrawn", position: LARGE + 1, until: null, at: NOON + 50 };
    await bundles.saveAccess(db, withdrawn);
    expect(await bundles.allAccesses(db)).toEqual([withdrawn]);
    expect(await bundles.withdrawnAccesses(db)).toEqual([pair]);
    expect(await bundles.earliestPublicationDeadline(db)).toBe(NOON + 70);
    await bundles.deleteAccessesOfMesh(db, bank);
    expect(await bundles.accessesOfMesh(db, bank)).toEqual([]);
  });

  it("federations, by party, by trust domain and by what a scope may see", async () => {
    const { db } = await twoMeshes(open);
    const parties: readonly [Party, Party] = [
      { meshId: bank, trustDomain: bankDomain },
      { meshId: shop, trustDomain: shopDomain },
    ];
    const federation: Federation = proposeFederation({
      federationId: "fed_1",
      terms: makeTerms(parties, bothDirections(parties), NOON + DAY_MS, NOON),
      proposer: shop,
      byOperator: false,
      authorities: { [shopDomain]: ["f"] },
      reason: "trade",
      now: NOON,
    });
    await federations.saveFederation(db, federation);
    const changed = { ...federation, updatedAt: NOON + 1 };
    await federations.saveFederation(db, changed);
    expect(await federations.findFederation(db, "fed_1")).toEqual(changed);
    const soon = NOON + DAY_MS - 1;
    expect(await federations.standingBetween(db, shop, bank, soon)).toEqual([changed]);
    expect(await federations.standingBetween(db, bank, absent, soon)).toEqual([]);
    expect(await federations.newestBetween(db, bank, shop)).toEqual(changed);
    expect(await federations.newestBetween(db, bank, absent)).toBeUndefined();
    expect(await federations.federationsOfMesh(db, bank, soon)).toEqual([changed]);
    expect(await federations.federationsWithTrustDomain(db, bank, shopDomain, soon)).toEqual([changed]);
    expect(await federations.federationsWithTrustDomain(db, bank, bankDomain, soon)).toEqual([]);
    expect(await federations.peersOfMesh(db, bank, 0)).toEqual([shop]);
    expect(await federations.peersOfMesh(db, shop, 0), "who was only proposed to").toEqual([]);
    for (const scope of [all, only(shop), only(bank)])
      expect(await federations.listFederations(db, scope, {}, "", 9)).toEqual([changed]);
    expect(await federations.listFederations(db, only(absent), {}, "", 9)).toEqual([]);
    expect(await federations.listFederations(db, all, { meshId: absent }, "", 9)).toEqual([]);
    expect(await federations.listFederations(db, all, {}, "fed_1", 9)).toEqual([]);
  });

  it("federations that ended are not read with those that may be open, but the newest between two meshes and its peers are", async () => {
    const { db } = await twoMeshes(open);
    const parties: readonly [Party, Party] = [
      { meshId: bank, trustDomain: bankDomain },
      { meshId: shop, trustDomain: shopDomain },
    ];
    const proposed = (federationId: string, createdAt: EpochMs, expiresAt: EpochMs | null = null): Federation =>
      proposeFederation({
        federationId,
        terms: makeTerms(parties, bothDirections(parties), expiresAt, createdAt),
        proposer: shop,
        byOperator: false,
        authorities: {},
        reason: null,
        now: createdAt,
      });
    const [pending, expired] = [proposed("fed_1", NOON), proposed("fed_2", NOON, NOON + 2)];
    const withdrawn = decideConsent(proposed("fed_3", NOON + 1), shop, "withdraw", null, null, NOON + 1).federation;
    const vetoed = decideVeto(proposed("fed_4", NOON), { owner: bank, trustDomain: bankDomain }, "deny", null, NOON);
    const ended = decideConsent(proposed("fed_5", NOON, NOON + 2), shop, "withdraw", null, null, NOON + 1).federation;
    for (const one of [pending, expired, withdrawn, vetoed.federation, ended])
      await federations.saveFederation(db, one);
    const idsOf = (found: readonly Federation[]) => found.map(({ federationId }) => federationId).sort();
    expect(idsOf(await federations.federationsOfMesh(db, shop, NOON + 1))).toEqual(["fed_1", "fed_2"]);
    expect(idsOf(await federations.federationsOfMesh(db, shop, NOON + 2))).toEqual(["fed_1"]);
    expect(idsOf(await federations.federationsWithTrustDomain(db, bank, shopDomain, NOON + 2))).toEqual(["fed_1"]);
    expect(idsOf(await federations.standingBetween(db, bank, shop, NOON + 2))).toEqual(["fed_1", "fed_4"]);
    expect((await federations.newestBetween(db, bank, shop))?.federationId).toBe("fed_3");
    expect(idsOf(await federations.federationsExpiring(db, NOON, NOON + 2))).toEqual(["fed_2"]);
    const granted = decideConsent(withdrawn, shop, "grant", null, null, NOON + 2).federation;
    await federations.saveFederation(db, granted);
    expect(idsOf(await federations.federationsOfMesh(db, bank, NOON + 2))).toEqual(["fed_1", "fed_3"]);
    await federations.saveFederation(db, withdrawn);
    for (const id of ["fed_1", "fed_2", "fed_4"])
      await db.deleteFrom("federation").where("federation_id", "=", id).execute();
    expect(await federations.federationsOfMesh(db, shop, NOON + 1)).toEqual([]);
    expect(await federations.peersOfMesh(db, bank, 0), "who has taken its word back").toEqual([shop]);
  });

  it("pollers and deliveries, and who owes a tombstone", async () => {
    const { db } = await twoMeshes(open);
    for (const id of ["pol_1", "pol_2"]) await pollers.insertPoller(db, poller(id), `hash of ${id}`);
    const changed = poller("pol_1", { name: parseText("renamed", ""), replicas: 5 });
    await pollers.updatePoller(db, changed);
    expect(await pollers.findPoller(db, bank, "pol_1")).toEqual(changed);
    expect(await pollers.findPoller(db, shop, "pol_1")).toBeUndefined();
    expect(await pollers.listPollers(db, bank, "pol_1", 9)).toEqual([poller("pol_2")]);
    const delivery = (pollerId: string, sequence: number, bundle: number | null): Delivery => ({
      pollerId,
      meshId: bank,
      trustDomain: shopDomain,
      sequence,
      revision: bundle,
      projection: "istio",
      at: NOON + sequence - LARGE,
    });
    const first = delivery("pol_1", LARGE + 3, 3);
    const again = { ...delivery("pol_1", LARGE + 3, 3), at: NOON + 99 };
    await deliveries.saveDeliveries(db, [first, again, delivery("pol_2", LARGE + 3, 3)]);
    expect(await deliveries.deliveriesToPoller(db, "pol_1")).toEqual([again]);
    const start = { group: "", pollerId: "" } as const;
    const pollersOf = (found: readonly Delivery[]) => found.map(({ pollerId }) => pollerId);
    expect(pollersOf(await deliveries.deliveriesTo(db, bank, start, 9))).toEqual(["pol_1", "pol_2"]);
    expect(pollersOf(await deliveries.deliveriesTo(db, bank, start, 1))).toEqual(["pol_1"]);
    expect(pollersOf(await deliveries.deliveriesTo(db, bank, { group: shopDomain, pollerId: "pol_1" }, 9))).toEqual([
      "pol_2",
    ]);
    expect(pollersOf(await deliveries.deliveriesOf(db, shopDomain, "all", start, 9))).toEqual(["pol_1", "pol_2"]);
    expect(
      pollersOf(await deliveries.deliveriesOf(db, shopDomain, new Set([bank]), { group: bank, pollerId: "pol_1" }, 9)),
    ).toEqual(["pol_2"]);
    expect(await deliveries.deliveriesOf(db, shopDomain, new Set([shop]), start, 9)).toEqual([]);
    const firsts = await db.selectFrom("first_delivery").selectAll().where("poller_id", "=", "pol_1").execute();
    expect(firsts).toEqual([{ poller_id: "pol_1", trust_domain: shopDomain, revision: 3, at: first.at }]);
    await deliveries.saveDeliveries(db, [delivery("pol_2", LARGE + 4, 4), delivery("pol_2", LARGE + 3, 3)]);
    const held = await deliveries.heldSince(db, bank, shopDomain);
    expect(held.toSorted((a, b) => (a.pollerId < b.pollerId ? -1 : 1))).toEqual([
      { pollerId: "pol_1", revision: 3, at: first.at },
      { pollerId: "pol_2", revision: 4, at: delivery("pol_2", LARGE + 4, 4).at },
    ]);
    const kept = await db.selectFrom("first_delivery").select(["poller_id", "revision"]).orderBy("poller_id").execute();
    expect(kept, "of what is held, and of nothing before it").toEqual([
      { poller_id: "pol_1", revision: 3 },
      { poller_id: "pol_2", revision: 4 },
    ]);
    const grant: BundleAccess = {
      meshId: bank,
      trustDomain: shopDomain,
      state: "granted",
      position: 0,
      lastModifiedSeconds: 0,
      until: null,
      at: NOON,
      distrusted: [],
    };
    await bundles.saveAccess(db, grant);
    expect(await pollersOwing(db, "all", 5), "nobody, of what is granted").toEqual([]);
    await bundles.saveAccess(db, { ...grant, state: "withdrawn", position: 12 });
    const owing = (pollerId: string) => ({ pollerId, meshId: bank, trustDomain: shopDomain });
    expect(await pollersOwing(db, "all", 5)).toEqual([owing("pol_1"), owing("pol_2")]);
    expect(await pollersOwing(db, [{ meshId: shop, trustDomain: shopDomain }], 5)).toEqual([]);
    await deliveries.saveDeliveries(db, [{ ...delivery("pol_1", 1, 1), at: 0 }]);
    expect((await deliveries.deliveriesToPoller(db, "pol_1"))[0]?.sequence, "an older batch, offered late").not.toBe(1);
    await deliveries.saveDeliveries(db, [delivery("pol_1", 5 * 2 ** 32 + 12, null)]);
    expect(await pollersOwing(db, [grant], 5)).toEqual([owing("pol_2")]);
    await pollers.updatePoller(db, poller("pol_2", { revokedAt: NOON }));
    expect(await pollersOwing(db, "all", 5)).toEqual([]);
    expect(await pollers.unrevokedPollersOf(db, bank)).toEqual([changed]);
    expect((await livePollers(db, ["pol_1", "pol_2"])).map(({ pollerId }) => pollerId)).toEqual(["pol_1"]);
    expect(await livePollers(db, ["pol_2"])).toEqual([]);
    await pollers.insertPoller(db, poller("pol_3", { expiresAt: NOON + 5 }), "hash of pol_3");
    const portions: string[][] = [];
    for (const size of [1, 2])
      for await (const portion of allLivePollers(db, size)) portions.push(portion.map(({ pollerId }) => pollerId));
    expect(portions, "by one, and by two").toEqual([["pol_1"], ["pol_3"], ["pol_1", "pol_3"]]);
    expect(await pollers.countPollersExpiringBefore(db, NOON, NOON + 5)).toBe(1);
    expect(await pollers.countPollersExpiringBefore(db, NOON + 5, NOON + 9)).toBe(0);
  });

  it("tokens, with the meshes that they speak for, and invitations, which are spent once", async () => {
    const { db } = await twoMeshes(open);
    const token = (tokenId: string, names: readonly MeshId[]): Token => ({
      tokenId,
      name: parseText("admin", ""),
      role: "mesh-admin",
      meshes: names,
      createdAt: NOON,
      createdBy: "system",
      lifeSeconds: 60,
      expiresAt: NOON + 10,
      revokedAt: null,
      lastUsedAt: null,
    });
    const both = token("tok_1", [bank, shop]);
    const one = token("tok_2", [shop]);
    for (const each of [both, one]) await tokens.insertToken(db, each, `hash of ${each.tokenId}`);
    expect(await tokens.findToken(db, "tok_1")).toEqual(both);
    const held = await tokens.findTokenSecret(db, "tok_2");
    expect(held).toMatchObject({ secretHash: "hash of tok_2", expiresAt: one.expiresAt, revokedAt: null });
    expect(await held?.token()).toEqual(one);
    expect(await tokens.listTokens(db, only(bank), "", 9)).toEqual([both]);
    expect(await tokens.listTokens(db, all, "tok_1", 9)).toEqual([one]);
    expect(await tokens.unrevokedTokensOf(db, bank)).toEqual([both]);
    expect(await tokens.unrevokedTokensOf(db, shop)).toEqual([both, one]);
    await tokens.deleteTokenMesh(db, "tok_1", shop);
    expect(await tokens.findToken(db, "tok_1")).toEqual(token("tok_1", [bank]));
    expect(await tokens.hasValidAdminToken(db, [bank], NOON)).toBe(true);
    expect(await tokens.hasValidAdminToken(db, [bank], NOON + 10)).toBe(false);
    expect(await tokens.hasOperatorToken(db)).toBe(false);
    await tokens.noteTokensUsed(db, new Map([["tok_2", NOON + 3]]));
    await tokens.markTokenRevoked(db, "tok_2", NOON + 4);
    expect(await tokens.findToken(db, "tok_2")).toEqual({ ...one, lastUsedAt: NOON + 3, revokedAt: NOON + 4 });

    const invitation: Invitation = {
      invitationId: "inv_1",
      trustDomain: shopDomain,
      meshId: shop,
      createdAt: NOON,
      createdBy: "tok_1",
      expiresAt: NOON + 10,
      spentAt: null,
      spentBy: null,
      refusals: 0,
      revokedAt: null,
    };
    await invitations.insertInvitation(db, invitation, "hash");
    expect(await invitations.findInvitationSecret(db, "inv_1")).toEqual({ invitation, secretHash: "hash" });
    await invitations.countInvitationRefusal(db, "inv_1");
    expect(await invitations.markInvitationSpent(db, "inv_1", shop, NOON + 1)).toBe(true);
    expect(await invitations.markInvitationSpent(db, "inv_1", bank, NOON + 2)).toBe(false);
    await invitations.markInvitationRevoked(db, "inv_1", NOON + 3);
    const after = { ...invitation, refusals: 1, spentAt: NOON + 1, spentBy: shop, revokedAt: NOON + 3 };
    expect(await invitations.findInvitation(db, "inv_1")).toEqual(after);
    expect(await invitations.listInvitations(db, "", 9)).toEqual([after]);
    expect(await invitations.listInvitations(db, "inv_1", 9)).toEqual([]);
  });

  it("allowances of shared keys", async () => {
    const { db } = await storeBroker(await open());
    const allowance = {
      allowanceId: "ska_1",
      trustDomains: [bankDomain, shopDomain],
      keyFingerprint: null,
      reason: "one HSM",
      createdAt: NOON,
      createdBy: "tok_1",
    } as const;
    await sharedKeys.insertAllowance(db, allowance);
    expect(await sharedKeys.findAllowance(db, "ska_1")).toEqual(allowance);
    expect(await sharedKeys.allowancesBetween(db, [bankDomain, shopDomain])).toEqual([allowance]);
    expect(await sharedKeys.listAllowances(db, "", 9)).toEqual([allowance]);
    await sharedKeys.deleteAllowance(db, "ska_1");
    expect(await sharedKeys.findAllowance(db, "ska_1")).toBeUndefined();
  });

  it("audit events, by subject, actor, type, time and scope, in both orders", async () => {
    const { db } = await twoMeshes(open);
    const asc = { order: "asc", after: undefined, limit: 99 } as const;
    const everything = await listEvents(db, all, { subjects: [] }, asc);
    expect(await listEvents(db, all, { subjects: [] }, { ...asc, order: "desc" })).toEqual(everything.toReversed());
    const positions = async (filter: Parameters<typeof listEvents>[2], scope: Parameters<typeof listEvents>[1] = all) =>
      (await listEvents(db, scope, filter, asc)).map(({ position }) => position);
    const where = (holds: (event: (typeof everything)[number]) => boolean) =>
      everything.filter(holds).map(({ position }) => position);
    const ofShop = where(({ subjects }) => subjects.includes("mesh/shop"));
    expect(ofShop.length).toBeGreaterThan(1);
    expect(await positions({ subjects: ["mesh/shop"] })).toEqual(ofShop);
    expect(await positions({ subjects: [] }, only(shop))).toEqual(ofShop);
    expect(await positions({ subjects: ["mesh/shop", "mesh/bank"] })).toEqual([]);
    const registered = where(({ type }) => type === "mesh.registered");
    expect(await positions({ subjects: [], type: "mesh.registered" })).toEqual(registered);
    expect(await positions({ subjects: [], actor: "system" })).toEqual(
      where(({ detail }) => detail?.actor.id === "system"),
    );
    expect(await positions({ subjects: [], from: NOON, to: NOON })).toEqual([]);
    expect(await positions({ subjects: [], from: NOON, to: NOON + 1 })).toEqual(where(() => true));
    expect((await listEvents(db, all, { subjects: [] }, { ...asc, after: 1, limit: 1 }))[0]?.position).toBe(2);
    const [position = 0] = ofShop;
    expect(await findEvent(db, only(shop), position)).toEqual(everything[position - 1]);
    expect(await findEvent(db, only(bank), position)).toBeUndefined();
  });
});
