import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { decide, poll, twoMeshes } from "../federation/federation-fixture.ts";
import { spawnBroker, startProcess } from "../support/broker-process.ts";
import { databaseOf, ON_SQLITE } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh, runBroker, type TestBroker } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("after a restart", () => {
  it("everything is there, and each poller gets the same bytes under the same ETag and date", async () => {
    let broker: TestBroker = await runBroker();
    onTestFinished(() => broker.remove());
    const { bank, shop } = await twoMeshes(broker);
    const { bank: other, shop: third } = await twoMeshes(broker);
    const regranted = await federate(broker, bank, shop);
    await federate(broker, other, shop);
    const withdrawn = await federate(broker, other, third);
    await decide(broker, bank, regranted, "withdraw");
    await decide(broker, bank, regranted, "grant");
    await decide(broker, third, withdrawn, "withdraw");
    await expectStatus(
      200,
      broker.api("PATCH", `/v1/trust-domains/${third.trustDomain}`, { token: third.token, body: { public: true } }),
    );
    const paths = [
      `/p/${bank.pollerToken}/${shop.trustDomain}`,
      `/p/${bank.pollerToken}/${shop.trustDomain}/pem`,
      `/p/${other.pollerToken}/${shop.trustDomain}`,
      `/p/${other.pollerToken}/${third.trustDomain}`,
      `/p/${shop.pollerToken}/${shop.trustDomain}/istio`,
      `/bundles/${third.trustDomain}`,
      "/bundle",
    ];
    const served = () =>
      Promise.all(
        paths.map(async (path) => {
          const { status, body, headers } = await broker.pollSpiffe(path);
          return { status, body, etag: headers.etag, lastModified: headers["last-modified"] };
        }),
      );
    const lists = ["/v1/meshes", "/v1/federations", "/v1/trust-domains", "/v1/tokens", "/v1/invitations"];
    const known = async () =>
      Promise.all(
        lists.map(async (path) => {
          const { body } = await expectStatus(200, broker.api("GET", path, { token: broker.operatorToken }));
          return JSON.stringify(body, (key, value) => (key === "lastUsedAt" ? null : value));
        }),
      );
    const bytes = await served();
    expect(new Set(bytes.map(({ status }) => status))).toEqual(new Set([200]));
    broker = await broker.restart();
    const nouns = await known();
    broker = await broker.restart();
    expect(await known()).toEqual(nouns);
    expect(await served()).toEqual(bytes);
  });

  it("the first operator token is still the one in the file, which is 0600, and none is made again (S27)", async () => {
    let broker: TestBroker = await runBroker();
    onTestFinished(() => broker.remove());
    const file = join(broker.dataFolder, "operator-token");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const first = readFileSync(file, "utf8").trim();
    expect(broker.log()).toContain(file);
    expect(broker.log()).not.toContain(first);
    broker = await broker.restart();
    expect(readFileSync(file, "utf8").trim()).toBe(first);
    expect((await broker.api("GET", "/v1/tokens", { token: first })).body.tokens).toHaveLength(1);

    rmSync(file);
    await broker.close();
    const folder = broker.dataFolder;
    const process = spawnBroker(folder, await databaseOf(folder));
    while (!process.output().includes("listening")) await new Promise((resolve) => setTimeout(resolve, 20));
    await process.end("SIGTERM");
    expect(() => statSync(file)).toThrow("ENOENT");
  });
});

describe("SIGTERM", () => {
  it("fails /readyz first, then ends with 0, with deliveries in the ledger (L7)", async () => {
    const folder = temporaryFolder();
    const broker = await startProcess(folder, {
      ...ON_SQLITE,
      ENTENTE_SHUTDOWN_DELAY_SECONDS: "3",
      ENTENTE_DELIVERY_BATCH_MS: "60000",
    });
    const bank = await registerMesh(broker, "bank");
    const shop = await registerMesh(broker, "shop");
    await federate(broker, bank, shop);
    const own = `/p/${bank.pollerToken}/${bank.trustDomain}`;
    const peers = `/p/${bank.pollerToken}/${shop.trustDomain}`;
    expect((await broker.pollSpiffe(own)).status).toBe(200);
    expect((await broker.pollSpiffe("/readyz")).status).toBe(200);

    const ended = broker.end("SIGTERM");
    for (const readyz of [() => broker.pollSpiffe("/readyz"), () => broker.api("GET", "/readyz")]) {
      let answer = await readyz();
      while (answer.status === 200) answer = await readyz();
      expect(answer.status).toBe(503);
      expect(JSON.stringify(answer.body)).toContain("stopping");
    }
    expect((await broker.pollSpiffe(peers)).status).toBe(200);
    expect(await ended).toEqual({ code: 0, signal: null });

    const db = new BetterSqlite3(join(folder, "entente.db"), { readonly: true });
    const held = db.prepare("select trust_domain from delivery order by trust_domain").pluck().all();
    db.close();
    expect(held).toEqual([bank.trustDomain, shop.trustDomain]);
  });
});

it("a poll that goes on while the broker is restarted meets the same bundle or no answer, never another", async () => {
  let broker: TestBroker = await runBroker();
  onTestFinished(() => broker.remove());
  const { bank, shop } = await twoMeshes(broker);
  await federate(broker, bank, shop);
  const before = await poll(broker, bank, shop.trustDomain);
  let restarting = true;
  const answers: string[] = [];
  const polling = (async () => {
    while (restarting) {
      const answer = await poll(broker, bank, shop.trustDomain).catch(() => undefined);
      if (answer) answers.push(`${answer.status} ${answer.body}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  broker = await broker.restart();
  expect((await poll(broker, bank, shop.trustDomain)).body).toBe(before.body);
  restarting = false;
  await polling;
  expect(new Set(answers)).toEqual(new Set([`200 ${before.body}`]));
});
