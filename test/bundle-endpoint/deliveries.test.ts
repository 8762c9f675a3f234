import { connect } from "node:tls";
import { expect, it } from "vitest";
import { parseTrustDomain } from "../../src/spiffe/trust-domain.ts";
import { change } from "../views/publication-fixture.ts";
import { domainOf, pollerOf, runEndpoint, SHOP, shopCa } from "./endpoint-fixture.ts";

const POLL = "/p/bank-1/shop.example";

it("notes who was served which sequence, revision and projection, and when", async () => {
  await using running = await runEndpoint();
  const before = Date.now();
  await running.spire(`${POLL}/pem`);
  await running.endpoint.flush();
  const [delivery] = running.deliveries;
  expect(delivery).toMatchObject({
    pollerId: "bank-1",
    meshId: "bank",
    trustDomain: SHOP,
    sequence: 2,
    revision: 2,
    projection: "pem",
  });
  expect(delivery?.at).toBeGreaterThanOrEqual(before);
  expect(running.endpoint.counters()).toMatchObject({ deliveries: 1, replies200: 1 });
});

it("counts a 304 by an ETag of the current bytes, but not HEAD, a date, `*` or an answer without a bundle", async () => {
  await using running = await runEndpoint();
  const { headers } = await running.spire(POLL, { method: "HEAD" });
  const etag = headers.etag ?? "";
  const statuses = [
    await running.spire(POLL, { headers: { "if-none-match": "*" } }),
    await running.spire(POLL, { headers: { "if-modified-since": headers["last-modified"] ?? "" } }),
    await running.spire(POLL, { method: "HEAD", headers: { "if-none-match": etag } }),
    await running.spire("/p/bank-1/absent.example"),
    await running.spire("/bundle"),
  ].map(({ status }) => status);
  expect(statuses).toEqual([304, 304, 304, 404, 200]);
  await running.endpoint.flush();
  expect(running.deliveries).toEqual([]);

  const named = await running.spire(POLL, { headers: { "if-none-match": `"old", W/${etag}` } });
  expect(named).toMatchObject({ status: 304, body: "" });
  expect(named.headers).toMatchObject({ etag, "cache-control": "private, no-cache" });
  await running.endpoint.flush();
  expect(running.deliveries).toHaveLength(1);
});

it("does not count a reply that was cut off midway", async () => {
  // More than the buffers of both ends hold.
  const large = { ...shopCa.authority(), certificate: "A".repeat(32 * 1024 * 1024) };
  await using running = await runEndpoint();
  await running.endpoint.apply(change(20, { domains: [domainOf(SHOP, 20, [large])] }));
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ port: running.endpoint.addresses.spiffe.port, rejectUnauthorized: false }, () =>
      socket.write(`GET ${POLL} HTTP/1.1\r\nHost: a\r\n\r\n`),
    );
    socket.once("error", reject);
    socket.once("data", () => {
      socket.pause();
      setTimeout(() => {
        socket.destroy();
        resolve();
      }, 100);
    });
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  await running.endpoint.flush();
  expect(running.endpoint.counters().replies200).toBe(1);
  expect(running.deliveries).toEqual([]);
  expect((await running.spire(POLL)).body.length).toBeGreaterThan(1_000_000);
  await running.endpoint.flush();
  expect(running.deliveries).toHaveLength(1);
});

it("keeps a batch that the ledger cannot take and offers it again (L16)", async () => {
  let refusals = 0;
  const taken: unknown[] = [];
  await using running = await runEndpoint({
    onDeliveries: async (batch) => {
      if (refusals++ === 0) throw new Error("the database is locked");
      taken.push(...batch);
    },
  });
  await running.spire(POLL);
  await running.endpoint.flush();
  expect(refusals).toBe(2);
  expect(taken).toHaveLength(1);
});

it("hands over the last deliveries when it closes (L7)", async () => {
  const running = await runEndpoint({ deliveryBatchMs: 60_000 });
  await running.spire(POLL);
  await running.endpoint.close();
  expect(running.deliveries).toHaveLength(1);
});

it("serves a tombstone until all who owe it have it and its time has passed, then 410, and 404 to a newer poller (R21)", async () => {
  const clockOffset = new SharedArrayBuffer(8);
  await using running = await runEndpoint({ clockOffset });
  const withdrawal = {
    meshId: "bank",
    trustDomain: SHOP,
    position: 20,
    lastModifiedSeconds: 0,
    state: "withdrawn",
    at: Date.now(),
  } as const;
  await running.endpoint.apply(
    change(21, {
      accesses: [{ ...withdrawal, owing: ["bank-1"] }],
      pollers: [pollerOf("bank-2"), pollerOf("bank-3", { position: 21 })],
    }),
  );
  new Float64Array(clockOffset)[0] = 61_000;
  // Until it is noted: what a client took before it closed the connection counts only when the server saw it leave.
  const served = async (path: string, pollerId: string) => {
    for (;;) {
      const { status, body } = await running.spire(path);
      await running.endpoint.flush();
      if (running.deliveries.some((delivery) => delivery.pollerId === pollerId)) return { status, body };
    }
  };
  expect(JSON.parse((await served("/p/bank-2/shop.example", "bank-2")).body)).toEqual({
    keys: [],
    spiffe_sequence: 20,
    spiffe_refresh_hint: 60,
  });
  expect(await served(`${POLL}/pem`, "bank-1")).toEqual({ status: 200, body: "" });
  const gone = await running.spire(POLL);
  expect(gone.status).toBe(410);
  expect(JSON.parse(gone.body)).not.toHaveProperty("keys");
  expect((await running.spire("/p/bank-3/shop.example")).status).toBe(404);
  expect(new Set(running.deliveries.map(({ revision }) => revision))).toEqual(new Set([null]));
});

it("serves a re-grant at once, above its tombstone", async () => {
  await using running = await runEndpoint();
  const pair = { meshId: "bank", trustDomain: SHOP };
  await running.endpoint.apply(
    change(20, {
      accesses: [{ ...pair, position: 20, lastModifiedSeconds: 0, state: "withdrawn", at: Date.now(), owing: [] }],
    }),
  );
  const tombstone = await running.spire(POLL);
  await running.endpoint.apply(
    change(30, {
      accesses: [{ ...pair, position: 30, lastModifiedSeconds: 0, state: "granted", until: null, distrusted: [] }],
    }),
  );
  const bundle = await running.spire(POLL, {
    headers: { "if-modified-since": tombstone.headers["last-modified"] ?? "" },
  });
  expect(bundle.status).toBe(200);
  expect(JSON.parse(bundle.body)).toMatchObject({ spiffe_sequence: 30, keys: [{ use: "x509-svid" }] });
});

it("serves a domain to anybody while it is declared public, and 404 after", async () => {
  await using running = await runEndpoint();
  const open = parseTrustDomain("open.example");
  const input = domainOf(open, 20, [shopCa.authority()], { public: true });
  await running.endpoint.apply(change(20, { domains: [input] }));
  const answer = await running.istiod("/bundles/open.example/istio");
  expect(answer).toMatchObject({ status: 200, headers: { "cache-control": "public, no-cache" } });
  await running.endpoint.apply(change(21, { domains: [{ ...input, public: false }] }));
  expect((await running.istiod("/bundles/open.example")).status).toBe(404);
});

it("takes an authority out at the second in which it falls due, without a word from the main thread", async () => {
  const clockOffset = new SharedArrayBuffer(8);
  await using running = await runEndpoint({ clockOffset });
  const [first, second] = domainOf(SHOP, 20, [
    shopCa.authority(),
    { ...shopCa.authority(), fingerprint: "f" },
  ]).authorities;
  if (!first || !second) throw new Error("two authorities were asked for");
  const input = { ...domainOf(SHOP, 20, []), authorities: [{ ...first, dropAt: Date.now() + 60_000 }, second] };
  await running.endpoint.apply(change(20, { domains: [input] }));
  const keys = async () => JSON.parse((await running.spire(POLL)).body).keys.length;
  expect(await keys()).toBe(2);
  new Float64Array(clockOffset)[0] = 60_000;
  expect(await keys()).toBe(1);
  new Float64Array(clockOffset)[0] = 0;
  expect(await keys()).toBe(2);
});
