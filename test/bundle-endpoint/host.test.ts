import { once } from "node:events";
import { connect } from "node:tls";
import type { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { DomainInput } from "../../src/views/publication-inputs.ts";
import { testCa } from "../support/test-ca.ts";
import { change } from "../views/publication-fixture.ts";
import {
  brokerCa,
  certificates,
  domainOf,
  FEDERATED,
  runEndpoint,
  SHOP,
  SPIFFE_ID,
  shopCa,
} from "./endpoint-fixture.ts";
import { startPollingThread } from "./polling-thread.ts";

const POLL = "/p/bank-1/shop.example";

describe("changes", () => {
  it("are served from the moment that `apply` resolves: read your writes", async () => {
    await using running = await runEndpoint();
    for (let position = 20; position < 40; position++) {
      await running.endpoint.apply(change(position, { domains: [domainOf(SHOP, position, [shopCa.authority()])] }));
      expect(JSON.parse((await running.spire(POLL)).body).spiffe_sequence).toBe(position);
    }
  });

  it("are waited for with 503 and a failing /readyz, never with an empty bundle, before the first one (L8)", async () => {
    await using running = await runEndpoint({ loaded: false });
    expect(await running.spire(POLL)).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    const { headers, body } = await running.spire("/readyz");
    expect(headers["retry-after"]).toBe("1");
    expect(body).toContain("publications-not-loaded");
    await running.endpoint.apply(FEDERATED);
    expect((await running.spire(POLL)).status).toBe(200);
    expect((await running.spire("/readyz")).status).toBe(200);
  });

  it("that cannot be applied are refused to their caller, and serving goes on", async () => {
    await using running = await runEndpoint();
    const broken = change(20, { domains: [{ ...domainOf(SHOP, 20, []), authorities: null as never }] });
    await expect(running.endpoint.apply(broken)).rejects.toThrow();
    expect((await running.spire(POLL)).status).toBe(200);
  });
});

describe("the main thread", () => {
  it("delays no poll while it is busy for three seconds", async () => {
    await using running = await runEndpoint();
    const { port } = running.endpoint.addresses.spiffe;
    const trust = { ca: brokerCa.certificatePem, spiffeId: SPIFFE_ID };
    const client = await startPollingThread({ port, path: POLL, trust });
    const unblocked = await client.pollFor(1000);
    const during = client.pollFor(3000);
    const until = performance.now() + 3000;
    while (performance.now() < until);
    const { longestMs, polls } = await during;
    await client.stop();
    // A busy core slows everybody a little; a poll that waits for it would take the whole three seconds.
    expect(polls).toBeGreaterThan(unblocked.polls / 10);
    expect(longestMs).toBeLessThan(Math.max(1000, unblocked.longestMs * 10));
  });
});

describe("certificates", () => {
  it("are swapped under load without a failed poll", async () => {
    await using running = await runEndpoint();
    const serials = new Set<string>();
    let swapping = true;
    const polling = Promise.all(
      Array.from({ length: 4 }, async () => {
        const statuses = new Set<number>();
        while (swapping) statuses.add((await running.spire(POLL)).status);
        return [...statuses];
      }),
    );
    for (let swap = 0; swap < 10; swap++) {
      await running.endpoint.useCertificates(certificates());
      serials.add(await servedSerial(running.endpoint.addresses.spiffe.port));
      serials.add(await servedSerial(running.endpoint.addresses.web.port));
    }
    swapping = false;
    expect((await polling).flat()).toEqual([200, 200, 200, 200]);
    expect(serials.size).toBe(20);
  });

  it("stay when the new one is unusable", async () => {
    await using running = await runEndpoint();
    const { spiffe } = certificates();
    const { web } = certificates(testCa({ trustDomain: "broker.example" }));
    const other = testCa({ trustDomain: "broker.example", kind: "rsa" });
    await expect(
      running.endpoint.useCertificates({ spiffe: { cert: spiffe.cert, key: other.keyPem } }),
    ).rejects.toThrow();
    expect((await running.spire(POLL)).status).toBe(200);
    await running.endpoint.useCertificates({ web });
    await expect(running.istiod(POLL)).rejects.toThrow();
  });
});

describe("health", () => {
  it("lives while its loop turns, and is ready while what it serves is fresh (L8)", async () => {
    await using running = await runEndpoint({ maxStaleMs: 200 });
    expect((await running.spire("/livez")).status).toBe(200);
    expect((await running.spire("/readyz")).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const stale = await running.spire("/readyz");
    expect(stale).toMatchObject({ status: 503, body: '{"status":"not-ready","reasons":["publications-stale"]}' });
    expect((await running.spire(POLL)).status).toBe(200);
    running.endpoint.confirmFresh();
    await running.endpoint.flush();
    expect((await running.spire("/readyz")).status).toBe(200);
  });

  it("says that it is not ready before it stops, and serves polls until then (L7)", async () => {
    const running = await runEndpoint();
    running.endpoint.notReady();
    expect((await running.spire("/readyz")).body).toContain("stopping");
    expect((await running.spire(POLL)).status).toBe(200);
    await running.endpoint.drain(1000);
    await expect(running.spire(POLL)).rejects.toThrow();
    await running.endpoint.close();
    expect(running.failures).toEqual([]);
  });

  it("does not start on an address that is taken, and says so", async () => {
    await using running = await runEndpoint();
    await expect(
      runEndpoint({ addresses: { spiffe: running.endpoint.addresses.spiffe, web: { host: "127.0.0.1", port: 0 } } }),
    ).rejects.toThrow("EADDRINUSE");
  });

  it("does not start where the thread cannot serve what it is given first, and says so", async () => {
    const unreadable = { ...domainOf(SHOP, 2, []), authorities: "none" } as unknown as DomainInput;
    const failures: Error[] = [];
    const starting = runEndpoint({
      loaded: change(10, { domains: [unreadable] }),
      onFatal: (error) => failures.push(error),
    });
    await expect(starting).rejects.toThrow("Cannot read properties");
    expect(failures).toEqual([]);
  });

  it("reports a thread that died", async () => {
    const started = once(process, "worker");
    const running = await runEndpoint();
    const [thread] = (await started) as [Worker];
    await thread.terminate();
    expect(running.failures).toHaveLength(1);
    await expect(running.endpoint.apply(change(21))).rejects.toThrow("thread ended");
  });
});

const servedSerial = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? "");
      socket.destroy();
    });
    socket.on("error", reject);
  });
