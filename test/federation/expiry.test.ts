import { afterEach, beforeEach, expect, it } from "vitest";
import { expectStatus, federate, runBroker, type TestBroker } from "../support/running-broker.ts";
import { testCa } from "../support/test-ca.ts";
import {
  askTerms,
  bundle,
  decide,
  eventually,
  poll,
  propose,
  readFederation,
  served,
  twoMeshes,
} from "./federation-fixture.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let broker: TestBroker;
beforeEach(async () => {
  broker = await runBroker();
});
afterEach(() => broker.remove());

const newestEvent = async (type: string, about: string) => {
  const answer = await broker.api("GET", `/v1/audit-events?type=${type}&${about}&limit=1`, {
    token: broker.operatorToken,
  });
  return answer.body.events[0];
};

/** Moves the broker's clock to `instant`, and lets real time go on from there. */
const setClock = (instant: number) => broker.moveClock(instant - Date.now());

it("a federation ends at the second of its expiry, and the log follows", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const end = Math.ceil((Date.now() + HOUR_MS) / 1000) * 1000;
  const federationId = await federate(broker, bank, shop, { expiresAt: new Date(end).toISOString() });
  // Long before: a slow machine takes its time between here and the poll.
  setClock(end - 30_000);
  expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
  const before = await bundle(poll(broker, bank, shop.trustDomain));
  setClock(end);
  const tombstone = await bundle(poll(broker, bank, shop.trustDomain));
  expect(tombstone.keys).toEqual([]);
  expect(tombstone.spiffe_sequence).toBeGreaterThan(before.spiffe_sequence);
  expect((await readFederation(broker, bank, federationId)).body).toMatchObject({ state: "expired" });

  const withdrawn = await eventually(
    () => newestEvent("bundle-access.withdrawn", `meshId=${bank.meshId}`),
    (event) => event !== undefined,
  );
  expect(withdrawn.actor).toMatchObject({ kind: "broker", id: "clock" });
  expect(withdrawn.detail).toMatchObject({ cause: "federation.expired" });
  for (const { token } of [bank, shop]) {
    const seen = await broker.api("GET", "/v1/audit-events?type=federation.expired", { token });
    expect(seen.body.events).toHaveLength(1);
    expect(seen.body.events[0]).toMatchObject({ actor: { kind: "broker", id: "clock" }, meshId: null, source: null });
    expect(seen.body.events[0].subjects).toContain(`federation/${federationId}`);
    expect(seen.body.events[0].position).toBeLessThan(withdrawn.position);
  }
  const after = await eventually(
    () => bundle(poll(broker, bank, shop.trustDomain)),
    ({ spiffe_sequence }) => spiffe_sequence >= withdrawn.position,
  );
  expect(after.keys).toEqual([]);
});

it("a clock that jumped and comes back restores what it hid, under a higher number (R16)", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const end = Date.now() + HOUR_MS;
  const federationId = await federate(broker, bank, shop, { expiresAt: new Date(end).toISOString() });
  const seen = [(await bundle(poll(broker, bank, shop.trustDomain))).spiffe_sequence];
  for (const waitsForLog of [false, true]) {
    setClock(end + 1);
    const tombstone = await bundle(poll(broker, bank, shop.trustDomain));
    expect(tombstone.keys).toEqual([]);
    seen.push(tombstone.spiffe_sequence);
    if (waitsForLog) {
      await eventually(
        () => newestEvent("bundle-access.withdrawn", `meshId=${bank.meshId}`),
        (event) => event !== undefined,
      );
    }
    broker.moveClock(0);
    const restored = await eventually(
      () => bundle(poll(broker, bank, shop.trustDomain)),
      ({ keys }) => keys.length > 0,
    );
    seen.push(restored.spiffe_sequence);
  }
  expect((await readFederation(broker, bank, federationId)).body.state).toBe("active");
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
});

it("an expired federation cannot be granted again: it needs new terms", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const end = Date.now() + HOUR_MS;
  const federationId = await federate(broker, bank, shop, { expiresAt: new Date(end).toISOString() });
  setClock(end);
  const regrant = await decide(broker, bank, federationId, "grant");
  expect([regrant.status, regrant.body.code]).toEqual([409, "federation-decision"]);
  const asked = await askTerms(broker, bank, federationId, { expiresAt: null });
  expect(asked.body).toMatchObject({ state: "expired", proposal: { proposedBy: bank.meshId } });
  expect(await served(broker, bank, shop.trustDomain)).toBe("tombstone");
  const { termsDigest } = asked.body.proposal.terms;
  const granted = await decide(broker, shop, federationId, "grant", { termsDigest });
  expect(granted.body).toMatchObject({ state: "active", proposal: null });
  expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
});

it("beside an expired federation another can be proposed", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const end = Date.now() + HOUR_MS;
  await federate(broker, bank, shop, { expiresAt: new Date(end).toISOString() });
  setClock(end);
  expect((await propose(broker, shop.token, shop.meshId, bank.meshId)).status).toBe(201);
});

it("an expired CA leaves the bundle 24 hours after it expired, in one revision, and time alone never empties it", async () => {
  const { bank, shop } = await twoMeshes(broker);
  const notAfter = Math.ceil((Date.now() + HOUR_MS) / 1000) * 1000;
  const short = testCa({ trustDomain: shop.trustDomain, commonName: "short-lived", notAfter });
  await expectStatus(
    201,
    broker.api("POST", `/v1/meshes/${shop.meshId}/authorities`, {
      token: shop.token,
      body: { pem: short.certificatePem },
    }),
  );
  await federate(broker, bank, shop);
  const revisions = async () =>
    (await broker.api("GET", `/v1/trust-domains/${shop.trustDomain}/revisions`, { token: shop.token })).body.revisions;
  const before = await revisions();
  setClock(notAfter + DAY_MS - 30_000);
  const full = await bundle(poll(broker, bank, shop.trustDomain));
  expect(full.keys).toHaveLength(2);
  setClock(notAfter + DAY_MS);
  const left = await bundle(poll(broker, bank, shop.trustDomain));
  expect(left.keys).toHaveLength(1);
  expect(left.spiffe_sequence).toBeGreaterThan(full.spiffe_sequence);
  const after = await eventually(revisions, ({ length }) => length > before.length);
  expect(after).toHaveLength(before.length + 1);
  expect(after[0]).toMatchObject({ added: [], removed: [short.authority(Date.now()).fingerprint] });

  setClock(notAfter + 3_000 * DAY_MS);
  expect((await bundle(broker.pollSpiffe("/bundle"))).keys).toHaveLength(1);
  expect((await bundle(poll(broker, bank, shop.trustDomain))).keys).toHaveLength(1);
});

it("an expired poller is answered like an unknown one, and its mesh's others go on", async () => {
  const { bank, shop } = await twoMeshes(broker);
  await federate(broker, bank, shop);
  const made = await expectStatus(
    201,
    broker.api("POST", `/v1/meshes/${bank.meshId}/pollers`, {
      token: bank.token,
      body: { name: "guest", expiresInSeconds: 3_600 },
    }),
  );
  const guest = { pollerToken: made.body.token };
  expect(await served(broker, guest, shop.trustDomain)).toBe("bundle");
  setClock(new Date(made.body.expiresAt).getTime());
  expect(await served(broker, guest, shop.trustDomain)).toBe(404);
  expect(await served(broker, bank, shop.trustDomain)).toBe("bundle");
  const expired = await eventually(
    () => newestEvent("poller.expired", `meshId=${bank.meshId}`),
    (event) => event !== undefined,
  );
  expect(expired.subjects).toEqual([`mesh/${bank.meshId}`, `poller/${made.body.pollerId}`]);
});
