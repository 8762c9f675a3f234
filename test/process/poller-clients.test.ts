import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { schemaOfTest } from "../support/databases.ts";
import { ON_SQLITE, TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { expectStatus, registerMesh, runBroker, type TestBroker, type TestMesh } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const PATIENCE = { timeout: 20_000 };
const by = (userAgent: string) => ({ headers: { "user-agent": userAgent } });
const ownPath = ({ pollerToken, trustDomain }: TestMesh) => `/p/${pollerToken}/${trustDomain}`;

/** The product names of the clients that were an event, oldest first, as this token reads them. */
async function told(broker: TestBroker, token: string): Promise<string[]> {
  const path = "/v1/audit-events?type=poller.other-client-seen&order=asc";
  const { body } = await expectStatus(200, broker.api("GET", path, { token }));
  return body.events.map(({ detail }: { detail: { products: string } }) => detail.products);
}

describe("S35: a second kind of client that polls with a poller's URL", () => {
  it("is served, and is one event that the mesh's people see, also after a restart", async () => {
    let broker = await runBroker();
    onTestFinished(() => broker.remove());
    const bank = await registerMesh(broker, "bank");
    const shop = await registerMesh(broker, "shop");
    const polls = async () => {
      for (const poll of [
        broker.pollSpiffe(ownPath(bank), by("Go-http-client/1.1")),
        broker.pollWeb(ownPath(bank), by("Go-http-client/2.0")),
        broker.pollWeb(ownPath(shop), by("curl/8.7.1")),
      ])
        expect((await poll).status).toBe(200);
      expect((await broker.pollWeb(`${ownPath(bank)}/pem`, by("curl/8.7.1"))).status).toBe(200);
    };
    await polls();
    await expect.poll(() => told(broker, bank.token), PATIENCE).toEqual(["curl"]);
    const { body } = await broker.api("GET", "/v1/audit-events?type=poller.other-client-seen", { token: bank.token });
    expect(body.events[0]).toMatchObject({
      actor: { kind: "broker", id: "system" },
      meshId: null,
      subjects: ["mesh/bank", `poller/${bank.pollerId}`],
      detail: { name: "control plane", source: "127.0.0.1", known: ["Go-http-client"], isLast: false },
    });
    expect(await told(broker, shop.token)).toEqual([]);

    broker = await broker.restart();
    await polls();
    expect((await broker.pollSpiffe(ownPath(bank))).status).toBe(200);
    // What came before this one was written down, had it been news.
    await expect.poll(() => told(broker, bank.token), PATIENCE).toEqual(["curl", ""]);
    expect(await told(broker, broker.operatorToken)).toEqual(["curl", ""]);
    expect(broker.log()).not.toMatch(/Go-http-client|curl/);
  });

  it("is an event up to the eighth kind: nobody can fill the log", async () => {
    const broker = await runBroker();
    onTestFinished(() => broker.remove());
    const bank = await registerMesh(broker, "bank");
    const shop = await registerMesh(broker, "shop");
    for (let kind = 1; kind <= 12; kind++) await broker.pollWeb(ownPath(bank), by(`client-${kind}`));
    for (const kind of ["first", "second"]) await broker.pollWeb(ownPath(shop), by(kind));
    await expect.poll(() => told(broker, shop.token), PATIENCE).toEqual(["second"]);
    expect(await told(broker, bank.token)).toEqual([2, 3, 4, 5, 6, 7, 8].map((kind) => `client-${kind}`));
  });
});

it("S35, L16: while the database takes nothing polls go on, and a kind that polled meanwhile is an event after it", async () => {
  const broker = await runBroker(ON_SQLITE);
  onTestFinished(() => broker.remove());
  const bank = await registerMesh(broker, "bank");
  const shop = await registerMesh(broker, "shop");
  const poll = (mesh: TestMesh, userAgent: string) => broker.pollWeb(ownPath(mesh), by(userAgent));
  for (const mesh of [bank, shop]) await poll(mesh, "Go-http-client/1.1");
  await poll(shop, "curl/8.7.1");
  await expect.poll(() => told(broker, shop.token), PATIENCE).toEqual(["curl"]);

  const other = new BetterSqlite3(join(broker.dataFolder, "entente.db"));
  other.exec("begin immediate");
  expect((await poll(bank, "curl/8.7.1")).status).toBe(200);
  await expect.poll(broker.log, PATIENCE).toContain("the kinds of clients that poll are not written down yet");
  expect((await poll(bank, "Wget/1.25")).status).toBe(200);
  other.exec("rollback");
  other.close();
  await expect.poll(() => told(broker, bank.token), PATIENCE).toEqual(["curl", "Wget"]);
});

describe.skipIf(TEST_POSTGRES_URL === undefined)("servers that share a PostgreSQL", () => {
  it("S35: make one event of a kind that polls each of them", async () => {
    const { url } = await schemaOfTest(TEST_POSTGRES_URL ?? "");
    const keyFile = join(temporaryFolder(), "entente.key");
    writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
    const start = async (): Promise<TestBroker> => {
      const broker = await runBroker({ ENTENTE_DATABASE_URL: url, ENTENTE_KEY_FILE: keyFile }, temporaryFolder());
      onTestFinished(() => broker.close());
      return broker;
    };
    const one = await start();
    const two = await start();
    const bank = await registerMesh(one, "bank");
    const served = async () => (await two.pollWeb(ownPath(bank), by("Go-http-client/1.1"))).status;
    await expect.poll(served, PATIENCE).toBe(200);
    const pollBoth = (userAgent: string) =>
      Promise.all([one, two].map((broker) => broker.pollWeb(ownPath(bank), by(userAgent))));
    await pollBoth("Go-http-client/1.1");
    await expect.poll(() => told(one, bank.token), PATIENCE).toEqual([]);
    await pollBoth("curl/8.7.1");
    await expect.poll(() => told(one, bank.token), PATIENCE).toEqual(["curl"]);
    await pollBoth("Wget/1.25");
    await expect.poll(() => told(two, bank.token), PATIENCE).toEqual(["curl", "Wget"]);
  });
});
