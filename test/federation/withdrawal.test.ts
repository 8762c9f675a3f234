import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expectStatus, federate, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";
import { bundle, decide, eventually, joinMesh, poll, served, twoMeshes } from "./federation-fixture.ts";

const TOMBSTONE_SECONDS = 3_600;

let broker: TestBroker;
beforeEach(async () => {
  broker = await runBroker({ ENTENTE_TOMBSTONE_SECONDS: String(TOMBSTONE_SECONDS) });
});
afterEach(() => broker.remove());

const makePoller = async (mesh: TestMesh, name: string) => {
  const { token } = mesh;
  const made = await expectStatus(
    201,
    broker.api("POST", `/v1/meshes/${mesh.meshId}/pollers`, { token, body: { name } }),
  );
  return { pollerToken: made.body.token as string, pollerId: made.body.pollerId as string };
};
const revokePoller = ({ meshId, token }: TestMesh, pollerId: string) =>
  broker.api("DELETE", `/v1/meshes/${meshId}/pollers/${pollerId}`, { token });

/** What the mesh's pollers hold by the ledger, once it has `count` lines of the trust domain. */
const ledgerOf = ({ meshId, token }: TestMesh, trustDomain: string, count: number) =>
  eventually(
    async () => {
      const { deliveries } = (await broker.api("GET", `/v1/meshes/${meshId}/deliveries`, { token })).body;
      return deliveries.filter((line: { trustDomain: string }) => line.trustDomain === trustDomain);
    },
    (lines) => lines.length >= count,
  );

const afterTombstoneTime = (extraMs = 0) => broker.moveClock(TOMBSTONE_SECONDS * 1_000 + extraMs);

describe("after a withdrawal a consumer gets", () => {
  it("the tombstone in every projection, then 410 once the time has passed and every poller that fetched has it (R21)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const second = await makePoller(bank, "second");
    const idle = await makePoller(bank, "never polled");
    const federationId = await federate(broker, bank, shop);
    for (const one of [bank, second]) expect(await served(broker, one, shop.trustDomain)).toBe("bundle");
    await ledgerOf(bank, shop.trustDomain, 2);
    await decide(broker, bank, federationId, "withdraw");

    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    const pem = await broker.pollWeb(`/p/${bank.pollerToken}/${shop.trustDomain}/pem`);
    expect(pem).toMatchObject({ status: 200, body: "" });
    afterTombstoneTime();
    // `second` fetched the bundle and not the tombstone yet: nobody is told 410.
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    expect(await served(broker, second, shop.trustDomain)).toBe("tombstone");
    for (const one of [bank, second, idle])
      expect(
        await eventually(
          () => served(broker, one, shop.trustDomain),
          (what) => what !== "tombstone",
        ),
      ).toBe(410);
    const gone = await poll(broker, bank, shop.trustDomain);
    expect(JSON.parse(gone.body)).toMatchObject({ code: "bundle-withdrawn" });
    expect(JSON.parse(gone.body)).not.toHaveProperty("keys");
  });

  it("the tombstone for tombstoneSeconds though all have it, also after a restart", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
    await decide(broker, shop, federationId, "withdraw");
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    afterTombstoneTime(-60_000);
    const before = await poll(broker, bank, shop.trustDomain);
    expect(before.status).toBe(200);
    broker = await broker.restart();
    const after = await poll(broker, bank, shop.trustDomain);
    expect(after.body).toBe(before.body);
    expect(after.headers.etag).toBe(before.headers.etag);
    afterTombstoneTime();
    expect(
      await eventually(
        () => served(broker, bank, shop.trustDomain),
        (what) => what !== "tombstone",
      ),
    ).toBe(410);
  });

  it("no 410 before a poller that was lost is revoked", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const lost = await makePoller(bank, "lost");
    const federationId = await federate(broker, bank, shop);
    for (const one of [bank, lost]) expect(await served(broker, one, shop.trustDomain)).toBe("bundle");
    await ledgerOf(bank, shop.trustDomain, 2);
    await decide(broker, shop, federationId, "withdraw");
    afterTombstoneTime();
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    expect((await revokePoller(bank, lost.pollerId)).status).toBe(200);
    expect(await served(broker, bank, shop.trustDomain)).toBe(410);
    expect(await served(broker, lost, shop.trustDomain)).toBe(404);
  });

  it("404 with a poller that was made after it, and a bundle again with a re-grant (issue 4, §4)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    await decide(broker, shop, federationId, "withdraw");
    const late = await makePoller(bank, "late");
    expect(await served(broker, late, shop.trustDomain)).toBe(404);
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    await decide(broker, shop, federationId, "grant");
    expect(await served(broker, late, shop.trustDomain)).toBe("bundle");
    await decide(broker, shop, federationId, "withdraw");
    expect(await served(broker, late, shop.trustDomain)).toBe("tombstone");
  });

  it("404 where the federation was never active", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const proposed = await broker.api("POST", "/v1/federations", {
      token: bank.token,
      body: { proposer: bank.meshId, peer: shop.meshId },
    });
    await decide(broker, bank, proposed.body.federationId, "withdraw");
    expect(await served(broker, bank, shop.trustDomain)).toBe(404);
    expect(await served(broker, shop, bank.trustDomain)).toBe(404);
  });

  it("the tombstone too where the other mesh was deleted, and its own trust domain's other members keep theirs", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const annex = await joinMesh(broker, `${shop.meshId}-annex`, shop);
    await federate(broker, bank, shop);
    const proposed = await broker.api("POST", "/v1/federations", {
      token: bank.token,
      body: { proposer: bank.meshId, peer: annex.meshId },
    });
    await decide(broker, annex, proposed.body.federationId, "grant");
    const { meshId, token } = annex;
    expect((await broker.api("DELETE", `/v1/meshes/${meshId}`, { token })).body.code).toBe("mesh-has-federations");
    expect((await broker.api("DELETE", `/v1/meshes/${meshId}?withdraw=true`, { token })).status).toBeLessThan(300);
    expect(await served(broker, annex, shop.trustDomain)).toBe(404);
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
    const gone = await broker.api("DELETE", `/v1/meshes/${shop.meshId}?withdraw=true`, { token: shop.token });
    expect(gone.status).toBeLessThan(300);
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
  });
});

it("no sequence falls or repeats with other bytes over withdrawals, re-grants, revisions and restarts (R16)", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const federationId = await federate(broker, bank, shop);
  const seen = new Map<number, string>();
  let highest = 0;
  const look = async () => {
    const { body } = await poll(broker, bank, shop.trustDomain);
    const { spiffe_sequence } = JSON.parse(body);
    expect(spiffe_sequence).toBeGreaterThanOrEqual(highest);
    expect(seen.get(spiffe_sequence) ?? body).toBe(body);
    seen.set(spiffe_sequence, body);
    highest = spiffe_sequence;
  };
  const hint = (refreshHintSeconds: number) =>
    broker.api("PATCH", `/v1/trust-domains/${shop.trustDomain}`, { token: shop.token, body: { refreshHintSeconds } });
  const steps = [
    () => decide(broker, shop, federationId, "withdraw"),
    () => hint(100),
    () => decide(broker, shop, federationId, "grant"),
    () => hint(200),
    () => decide(broker, bank, federationId, "withdraw"),
    () => decide(broker, bank, federationId, "grant"),
    async () => {
      broker = await broker.restart();
      return { status: 200 };
    },
    () => decide(broker, bank, federationId, "withdraw"),
    () => decide(broker, bank, federationId, "grant"),
  ];
  await look();
  for (const step of steps) {
    expect((await step()).status).toBe(200);
    await look();
  }
  // The bundle, its one revision in view, and three withdrawals with their re-grants.
  expect(seen.size).toBe(8);
  expect((await bundle(poll(broker, bank, shop.trustDomain))).keys).toHaveLength(1);
});
