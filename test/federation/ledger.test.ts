import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { upload } from "../api/api-fixture.ts";
import { expectStatus, federate, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { bundle, decide, eventually, poll, readFederation, served, twoMeshes } from "./federation-fixture.ts";

let broker: TestBroker;
beforeAll(async () => {
  broker = await runBroker();
});
afterAll(() => broker.remove());

interface Line {
  readonly meshId?: string;
  readonly trustDomain?: string;
  readonly pollerId: string;
  readonly sequence: number;
  readonly current: boolean;
}

const held = async ({ meshId, token }: TestMesh): Promise<Line[]> =>
  (await expectStatus(200, broker.api("GET", `/v1/meshes/${meshId}/deliveries`, { token }))).body.deliveries;
const holders = async ({ trustDomain, token }: TestMesh): Promise<Line[]> =>
  (await expectStatus(200, broker.api("GET", `/v1/trust-domains/${trustDomain}/deliveries`, { token }))).body
    .deliveries;

const revise = async (mesh: TestMesh, refreshHintSeconds: number) =>
  expectStatus(
    200,
    broker.api("PATCH", `/v1/trust-domains/${mesh.trustDomain}`, {
      token: mesh.token,
      body: { refreshHintSeconds },
    }),
  );

/** The next batch is written after this: a delivery to one's own mesh is the mark. */
async function settled(mesh: TestMesh): Promise<void> {
  await revise(mesh, 1_000 + Math.floor(Math.random() * 10_000));
  const { spiffe_sequence } = await bundle(poll(broker, mesh, mesh.trustDomain));
  await eventually(
    () => held(mesh),
    (lines) => lines.some((line) => line.sequence === spiffe_sequence),
  );
}

describe("the ledger", () => {
  it("tells the consumer what its pollers hold, and the provider who holds its bundle and no more (S21)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop);
    const { spiffe_sequence } = await bundle(poll(broker, bank, shop.trustDomain));
    const lines = await eventually(
      () => held(bank),
      (found) => found.length > 0,
    );
    const at = expect.any(String);
    const line = { pollerId: bank.pollerId, sequence: spiffe_sequence, at, current: true };
    expect(lines).toEqual([
      { ...line, trustDomain: shop.trustDomain, revision: spiffe_sequence % 2 ** 32, projection: "spiffe" },
    ]);
    expect(await holders(shop)).toEqual([{ ...line, meshId: bank.meshId }]);
    await revise(shop, 99);
    expect(await holders(shop)).toEqual([{ ...line, meshId: bank.meshId, current: false }]);
  });

  it("S21: of what a consumer distrusts it tells the provider nothing: a holder has the provider's own revision", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    const second = testCa({ trustDomain: shop.trustDomain, kind: "p256" });
    await upload(broker, shop, second.certificatePem);
    const deliveredTo = async () =>
      (await readFederation(broker, shop, federationId)).body.conditions.filter(
        ({ type }: { type: string }) => type === `DeliveredTo.${bank.meshId}`,
      );
    const own = await bundle(poll(broker, shop, shop.trustDomain));
    const fetched = async () => {
      const { spiffe_sequence } = await bundle(poll(broker, bank, shop.trustDomain));
      await eventually(
        () => held(bank),
        (lines) => lines.some((line) => line.sequence === spiffe_sequence),
      );
      return spiffe_sequence;
    };
    const before = [await fetched(), await deliveredTo()];
    const line = { meshId: bank.meshId, sequence: own.spiffe_sequence, current: true };
    expect(await holders(shop)).toContainEqual(expect.objectContaining(line));

    const body = { trustDomain: shop.trustDomain, fingerprint: second.authority().fingerprint, reason: "leaked" };
    const path = `/v1/meshes/${bank.meshId}/distrusts`;
    const { distrustId } = (await expectStatus(201, broker.api("POST", path, { token: bank.token, body }))).body;
    expect(await fetched()).toBeGreaterThan(before[0]);
    expect(await holders(shop)).toContainEqual(expect.objectContaining(line));
    expect(await deliveredTo()).toEqual(before[1]);
    await expectStatus(200, broker.api("DELETE", `${path}/${distrustId}`, { token: bank.token }));
    await fetched();
    expect(await holders(shop)).toContainEqual(expect.objectContaining(line));
    expect(await deliveredTo()).toEqual(before[1]);

    await decide(broker, shop, federationId, "withdraw");
    await fetched();
    const told = { meshId: bank.meshId, sequence: null, current: false };
    expect(await holders(shop)).toContainEqual(expect.objectContaining(told));
  });

  it("counts a 304 by an ETag of the current bytes, but not HEAD, If-Modified-Since or `*`", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop);
    const head = await poll(broker, bank, shop.trustDomain, { method: "HEAD" });
    const etag = head.headers.etag ?? "";
    const since = head.headers["last-modified"] ?? "";
    const statuses = [
      head,
      await poll(broker, bank, shop.trustDomain, { headers: { "if-modified-since": since } }),
      await poll(broker, bank, shop.trustDomain, { headers: { "if-none-match": "*" } }),
      await poll(broker, bank, shop.trustDomain, { method: "HEAD", headers: { "if-none-match": etag } }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([200, 304, 304, 304]);
    await settled(bank);
    const ofShop = (lines: readonly Line[]) => lines.filter(({ trustDomain }) => trustDomain === shop.trustDomain);
    expect(ofShop(await held(bank))).toEqual([]);

    expect((await poll(broker, bank, shop.trustDomain, { headers: { "if-none-match": etag } })).status).toBe(304);
    const found = await eventually(
      () => held(bank),
      (now) => ofShop(now).length > 0,
    );
    expect(ofShop(found)).toMatchObject([{ pollerId: bank.pollerId, current: true }]);
  });

  it("says what a revoked poller still holds, and its URL works no more (S35)", async () => {
    const { bank, shop } = await twoMeshes(broker);
    await federate(broker, bank, shop);
    const { spiffe_sequence } = await bundle(poll(broker, bank, shop.trustDomain));
    await eventually(
      () => held(bank),
      (lines) => lines.length > 0,
    );
    const path = `/v1/meshes/${bank.meshId}/pollers/${bank.pollerId}`;
    const revoked = await broker.api("DELETE", path, { token: bank.token });
    expect(revoked.status).toBe(200);
    expect(revoked.body.holds).toEqual([
      { trustDomain: shop.trustDomain, sequence: spiffe_sequence, at: expect.any(String) },
    ]);
    expect(revoked.body.conditions).toContainEqual(expect.objectContaining({ type: "Usable", status: "False" }));
    expect(await served(broker, bank, shop.trustDomain)).toBe(404);
    expect((await broker.api("DELETE", path, { token: bank.token })).body.code).toBe("already-ended");
  });

  it("says that a revoked poller holds nothing where it fetched the tombstone", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
    await decide(broker, shop, federationId, "withdraw");
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    await settled(bank);
    const path = `/v1/meshes/${bank.meshId}/pollers/${bank.pollerId}`;
    const { holds } = (await broker.api("DELETE", path, { token: bank.token })).body;
    expect(holds.map(({ trustDomain }: { trustDomain: string }) => trustDomain)).toEqual([bank.trustDomain]);
  });
});

describe("a federation's conditions are derived from facts:", () => {
  const deliveredTo = async (mesh: TestMesh, federationId: string) => {
    const type = `DeliveredTo.${mesh.meshId}`;
    const { conditions } = (await readFederation(broker, mesh, federationId)).body;
    return conditions.find((condition: { type: string }) => condition.type === type);
  };

  it("Delivered… is False until each poller holds the newest revision, by the ledger", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    expect(await deliveredTo(bank, federationId)).toMatchObject({ status: "False", reason: "Behind" });
    await served(broker, bank, shop.trustDomain);
    const current = await eventually(
      () => deliveredTo(bank, federationId),
      ({ status }) => status === "True",
    );
    // Another poll of the same revision is a later delivery, but no transition.
    await served(broker, bank, shop.trustDomain);
    await settled(bank);
    expect(await deliveredTo(bank, federationId)).toEqual(current);
    expect(await deliveredTo(shop, federationId)).toMatchObject({ status: "False" });
    await revise(shop, 98);
    expect(await deliveredTo(bank, federationId)).toMatchObject({ status: "False", reason: "Behind" });
    await broker.api("DELETE", `/v1/meshes/${bank.meshId}/pollers/${bank.pollerId}`, { token: bank.token });
    expect(await deliveredTo(bank, federationId)).toMatchObject({ status: "Unknown", reason: "NoPoller" });
  });

  it("Active and BundlesExchanged follow consent and withdrawal, with the time of the fact that decides", async () => {
    const { bank, shop } = await twoMeshes(broker);
    const federationId = await federate(broker, bank, shop);
    const find = async (type: string) =>
      (await readFederation(broker, bank, federationId)).body.conditions.find(
        (condition: { type: string }) => condition.type === type,
      );
    expect(await find("Active")).toMatchObject({ status: "True", reason: "Agreed" });
    expect(await find("BundlesExchanged")).toMatchObject({ status: "True" });
    const { at } = (await decide(broker, shop, federationId, "withdraw")).body.consents.find(
      ({ meshId }: { meshId: string }) => meshId === shop.meshId,
    );
    expect(await find("Active")).toMatchObject({ status: "False", reason: "Withdrawn", lastTransitionTime: at });
    expect(await find("BundlesExchanged")).toMatchObject({ status: "False", reason: "NotActive" });
    expect((await readFederation(broker, bank, federationId)).body.conditions).not.toContainEqual(
      expect.objectContaining({ type: expect.stringMatching(/^Delivered/) }),
    );
  });
});
