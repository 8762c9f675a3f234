import { expect, it } from "vitest";
import { registerAuthorities } from "../../src/features/authorities/authority.service.ts";
import { giveConsent } from "../../src/features/federations/decide.service.ts";
import { observeFederation, surroundingsAt } from "../../src/features/federations/observe.service.ts";
import { propose } from "../../src/features/federations/propose.service.ts";
import { listFederations } from "../../src/features/federations/visible-federation.service.ts";
import { type MeshId, parseMeshId } from "../../src/features/meshes/mesh-id.ts";
import { createPoller } from "../../src/features/pollers/poller.service.ts";
import type { Executor } from "../../src/store/tables.ts";
import { parseText } from "../../src/text.ts";
import { DAY_MS } from "../../src/time.ts";
import { queriesOf } from "../support/asked-queries.ts";
import { describeOnEachEngine } from "../support/databases.ts";
import { adminOf, NOON, type StoreBroker, storeBroker } from "../support/store-broker.ts";
import { testCa } from "../support/test-ca.ts";

const shop = parseMeshId("shop");
const peers = ["bank", "tools", "depot"].map((name) => parseMeshId(name));

async function publish(broker: StoreBroker, mesh: MeshId): Promise<void> {
  const trustDomain = `${mesh}.example`;
  await broker.register(mesh, trustDomain);
  const pem = testCa({ trustDomain, notBefore: NOON - DAY_MS, notAfter: NOON + DAY_MS }).certificatePem;
  await broker.run(adminOf(mesh), (work) => registerAuthorities(work, mesh, { pem }, "active"));
  await broker.run(adminOf(mesh), (work) => createPoller(work, mesh, { name: parseText("one", "") }));
}

async function federate(broker: StoreBroker, peer: MeshId): Promise<void> {
  const asked = { proposer: shop, peer, trust: undefined, expiresAt: null, reason: null };
  const { federationId } = await broker.run(adminOf(shop), (work) => propose(work, adminOf(shop), asked));
  const consent = { meshId: peer, decision: "grant", termsDigest: null, reason: null } as const;
  await broker.run(adminOf(peer), (work) => giveConsent(work, adminOf(peer), federationId, consent));
}

describeOnEachEngine("a page of federations", (open) => {
  it("reads the pollers of each consumer, and what each trust domain publishes, once", async () => {
    const broker = await storeBroker(await open());
    for (const mesh of [shop, ...peers]) await publish(broker, mesh);
    for (const peer of peers) await federate(broker, peer);
    const page = await listFederations(broker.db, { all: true }, {}, "", 9);
    expect(page).toHaveLength(3);
    const observe = (db: Executor, around = surroundingsAt(db, NOON)) =>
      Promise.all(page.map((federation) => observeFederation(db, federation, around)));
    const asked = (await queriesOf(broker.db, observe)).map(({ sql }) => sql);
    const asksOf = (table: string) => asked.filter((sql) => sql.includes(`from "${table}"`)).length;
    const meshes = peers.length + 1;
    expect([asksOf("poller"), asksOf("revision"), asksOf("contribution")]).toEqual([meshes, meshes, meshes]);
    const apart = [];
    for (const federation of page)
      apart.push(await observeFederation(broker.db, federation, surroundingsAt(broker.db, NOON)));
    expect(await observe(broker.db)).toEqual(apart);
    expect(apart.map(({ state }) => state)).toEqual(["active", "active", "active"]);
  });
});
