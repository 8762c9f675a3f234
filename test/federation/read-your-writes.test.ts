import { afterAll, beforeAll, expect, it } from "vitest";
import { expectStatus, federate, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import { bundle, decide, poll, served, twoMeshes } from "./federation-fixture.ts";

const ROUNDS = 40;

let broker: TestBroker;
beforeAll(async () => {
  const limits = [
    "REQUESTS_PER_SECOND",
    "REQUEST_BURST",
    "POLLS_PER_SECOND",
    "POLL_BURST",
    "UNKNOWN_POLLERS_PER_MINUTE",
    "REVISIONS_PER_HOUR",
  ];
  broker = await runBroker(Object.fromEntries(limits.map((name) => [`ENTENTE_LIMITS_${name}`, "100000"])));
});
afterAll(() => broker.remove());

const at = ({ meshId }: TestMesh) => `/v1/meshes/${meshId}`;

it(`after a change's answer the very next poll shows it, in ${7 * ROUNDS} changes of every kind (issue 4, §4)`, async () => {
  const { bank, shop } = await twoMeshes(broker);
  const federationId = await federate(broker, bank, shop);
  const shown = () => bundle(poll(broker, bank, shop.trustDomain));
  const change = (method: string, path: string, body: unknown, { token }: TestMesh = shop) =>
    broker.api(method, path, { token, body });

  for (let round = 0; round < ROUNDS; round++) {
    await expectStatus(
      200,
      change("PATCH", `/v1/trust-domains/${shop.trustDomain}`, { refreshHintSeconds: 100 + round }),
    );
    expect((await shown()).spiffe_refresh_hint).toBe(100 + round);

    const pem = testCa({ trustDomain: shop.trustDomain, commonName: `CA ${round}` }).certificatePem;
    const added = await expectStatus(201, change("POST", `${at(shop)}/authorities`, { pem }));
    expect((await shown()).keys).toHaveLength(2);

    const { authorityId } = added.body.authorities[0];
    await expectStatus(200, change("POST", `${at(shop)}/authorities/${authorityId}/transitions`, { to: "revoked" }));
    expect((await shown()).keys).toHaveLength(1);

    await expectStatus(200, decide(broker, round % 2 ? bank : shop, federationId, "withdraw"));
    expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
    await expectStatus(200, decide(broker, round % 2 ? bank : shop, federationId, "grant"));
    expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");

    const made = await expectStatus(201, change("POST", `${at(bank)}/pollers`, { name: `p${round}` }, bank));
    const poller = { pollerToken: made.body.token };
    expect(await served(broker, poller, shop.trustDomain)).toBe("bundle");
    await expectStatus(200, broker.api("DELETE", `${at(bank)}/pollers/${made.body.pollerId}`, { token: bank.token }));
    expect(await served(broker, poller, shop.trustDomain)).toBe(404);
  }
}, 120_000);

it("also where many change at once: each sees its own change in the poll after its answer", async () => {
  const meshes = [await twoMeshes(broker), await twoMeshes(broker)].flatMap(({ bank, shop }) => [bank, shop]);
  const changed = await Promise.all(
    meshes.map(async (mesh) => {
      let changes = 0;
      for (let hint = 60; hint < 60 + ROUNDS; hint++) {
        const body = { refreshHintSeconds: hint };
        const path = `/v1/trust-domains/${mesh.trustDomain}`;
        await expectStatus(200, broker.api("PATCH", path, { token: mesh.token, body }));
        expect((await bundle(poll(broker, mesh, mesh.trustDomain))).spiffe_refresh_hint).toBe(hint);
        changes += 1;
      }
      return changes;
    }),
  );
  expect(changed).toEqual(meshes.map(() => ROUNDS));
}, 120_000);

it("no answer went ahead of what is served: the metric counts none", async () => {
  const metrics = await broker.api("GET", "/metrics", { token: broker.operatorToken });
  expect(metrics.text).toMatch(/^entente_read_your_writes_timeouts_total 0$/m);
});
