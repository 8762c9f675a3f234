import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { bundle, decide, eventually, poll } from "../federation/federation-fixture.ts";
import { type ListeningProcess, startProcess } from "../support/broker-process.ts";
import { ON_SQLITE } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const HOLD_LOCK = `
  const Database = require("better-sqlite3");
  const db = new Database(process.argv[1]);
  db.exec("begin immediate");
  console.log("locked");
  process.stdin.once("data", () => { db.exec("rollback"); process.exit(); });
`;

/** Another process takes SQLite's write lock; resolves with what gives it back. */
async function lockDatabase(folder: string): Promise<() => Promise<void>> {
  const holder = spawn(process.execPath, ["-e", HOLD_LOCK, join(folder, "entente.db")], {
    cwd: join(import.meta.dirname, "..", ".."),
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  return async () => {
    const gone = once(holder, "close");
    holder.stdin.write("\n");
    await gone;
  };
}

async function federated(terms: Record<string, unknown> = {}) {
  const folder = temporaryFolder();
  const broker = await startProcess(folder, {
    ...ON_SQLITE,
    ENTENTE_LIMITS_POLLS_PER_SECOND: "100000",
    ENTENTE_LIMITS_POLL_BURST: "100000",
  });
  const bank = await registerMesh(broker, "bank");
  const shop = await registerMesh(broker, "shop");
  const federationId = await federate(broker, bank, shop, terms);
  return { folder, broker, bank, shop, federationId };
}

const makePoller = (broker: ListeningProcess, token: string, name: string) =>
  broker.api("POST", "/v1/meshes/bank/pollers", { token, body: { name } });

/** Polls one after the other until `stopped`; every poll must be a 200. */
async function pollUntil(broker: ListeningProcess, path: string, stopped: () => boolean) {
  let [polls, longestMs] = [0, 0];
  while (!stopped()) {
    const start = performance.now();
    expect((await broker.pollSpiffe(path)).status).toBe(200);
    longestMs = Math.max(longestMs, performance.now() - start);
    polls += 1;
  }
  return { polls, longestMs };
}

const forSeconds = (seconds: number) => {
  const until = performance.now() + seconds * 1_000;
  return () => performance.now() > until;
};

it("while another process holds the write lock, what only reads is answered before the changes that wait for it (L3, L8)", async () => {
  const { folder, broker, bank } = await federated();
  const release = await lockDatabase(folder);
  const answered: string[] = [];
  const writes = ["a", "b", "c"].map((name) =>
    makePoller(broker, bank.token, name).then(({ status, body, headers }) => {
      answered.push("write");
      expect([status, body.code, headers["retry-after"]]).toEqual([503, "storage-unavailable", "1"]);
    }),
  );
  for (let turn = 0; turn < 10; turn += 1) {
    for (const path of ["/livez", "/v1/meshes/bank", "/v1/meshes/bank/pollers"])
      await expectStatus(200, broker.api("GET", path, { token: bank.token }));
    answered.push("reads");
  }
  await Promise.all(writes);
  expect(answered.slice(0, 10)).toEqual(Array(10).fill("reads"));
  expect((await broker.api("GET", "/readyz")).body.reasons).toEqual(["database-not-writable"]);
  await expectStatus(200, broker.api("GET", "/livez"));
  await release();
  await expectStatus(201, makePoller(broker, bank.token, "after"));
});

it("while another process holds the write lock for three seconds, polls are served without delay (L16)", async () => {
  const { folder, broker, bank, shop } = await federated();
  const path = `/p/${bank.pollerToken}/${shop.trustDomain}`;
  await pollUntil(broker, path, forSeconds(0.5));
  const unlocked = await pollUntil(broker, path, forSeconds(3));

  const release = await lockDatabase(folder);
  let answered = false;
  const write = makePoller(broker, bank.token, "waits").then((answer) => {
    answered = true;
    return answer;
  });
  const locked = await pollUntil(broker, path, forSeconds(3));
  expect(answered).toBe(false);
  await release();
  expect((await write).status).toBe(201);
  // A poll that waited for the lock would take seconds, and there would be one or two of them.
  expect(locked.polls).toBeGreaterThan(unlocked.polls / 10);
  expect(locked.longestMs).toBeLessThan(Math.max(1_500, unlocked.longestMs * 10));
}, 60_000);

it("a federation ends at the second of its expiry though the database is locked, and the log follows (L16)", async () => {
  const end = Math.ceil(Date.now() / 1_000) * 1_000 + 8_000;
  const { folder, broker, bank, shop } = await federated({ expiresAt: new Date(end).toISOString() });
  expect((await bundle(broker.pollSpiffe(`/p/${bank.pollerToken}/${shop.trustDomain}`))).keys).toHaveLength(1);
  expect(Date.now(), "the machine was too slow for this test to tell anything").toBeLessThan(end);
  const release = await lockDatabase(folder);
  const path = `/p/${bank.pollerToken}/${shop.trustDomain}`;
  // Asked by either end's clock: an answer that began after the end is a tombstone, one that ended before it is not.
  let tombstone = false;
  while (!tombstone) {
    const began = Date.now();
    const { keys } = await bundle(broker.pollSpiffe(path));
    tombstone = keys.length === 0;
    if (began >= end) expect(tombstone).toBe(true);
    if (Date.now() < end) expect(tombstone).toBe(false);
  }
  const seen = await bundle(broker.pollSpiffe(path));
  await release();
  const events = await eventually(
    async () =>
      (
        await broker.api("GET", "/v1/audit-events?type=bundle-access.withdrawn&meshId=bank", {
          token: broker.operatorToken,
        })
      ).body.events,
    ({ length }) => length > 0,
  );
  expect(events).toHaveLength(1);
  const after = await bundle(broker.pollSpiffe(path));
  expect(after.keys).toEqual([]);
  expect(after.spiffe_sequence).toBeGreaterThanOrEqual(seen.spiffe_sequence);
}, 60_000);

it("a change that cannot be stored answers 503 and leaves nothing, and no restart is needed after (L3)", async () => {
  const { folder, broker, bank, shop, federationId } = await federated();
  const release = await lockDatabase(folder);
  const refused = await makePoller(broker, bank.token, "in vain");
  expect([refused.status, refused.body.code]).toEqual([503, "storage-unavailable"]);
  expect(refused.headers["retry-after"]).toBe("1");
  expect((await broker.pollSpiffe(`/p/${bank.pollerToken}/${shop.trustDomain}`)).status).toBe(200);
  await release();

  expect((await makePoller(broker, bank.token, "in vain")).status).toBe(201);
  const { pollers } = (await broker.api("GET", "/v1/meshes/bank/pollers", { token: bank.token })).body;
  expect(pollers).toHaveLength(2);
  await expectStatus(200, decide(broker, shop, federationId, "withdraw"));
  expect(JSON.parse((await poll(broker, bank, shop.trustDomain)).body).keys).toEqual([]);
}, 60_000);
