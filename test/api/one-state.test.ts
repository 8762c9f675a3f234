import { expect, it, onTestFinished } from "vitest";
import { inSnapshot, inTransaction } from "../../src/store/transaction.ts";
import { describeOnEachEngine } from "../support/databases.ts";
import { databaseOf, ON_SQLITE, onServer, TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { expectStatus, registerMesh, runBroker } from "../support/running-broker.ts";
import { storeBroker } from "../support/store-broker.ts";
import { bareMesh, UNLIMITED } from "./api-fixture.ts";

describeOnEachEngine("reads of one operation", (open, engine) => {
  it("L20: see one state, whatever is committed between two of them", async () => {
    const { db } = await storeBroker(await open());
    const hint = (tx: Pick<typeof db, "selectFrom">) =>
      tx.selectFrom("trust_domain").select("refresh_hint_seconds").executeTakeFirstOrThrow();
    const before = await hint(db);
    let change: Promise<unknown> = Promise.resolve();
    await inSnapshot(db, async (tx) => {
      expect(await hint(tx)).toEqual(before);
      change = inTransaction(db, (other) =>
        other.updateTable("trust_domain").set({ refresh_hint_seconds: 7 }).execute(),
      );
      // On one connection the change waits for the reads.
      if (engine === "postgres" && TEST_POSTGRES_URL !== undefined) await change;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(await hint(tx)).toEqual(before);
    });
    await change;
    expect(await hint(db)).toEqual({ refresh_hint_seconds: 7 });
  });
});

it.skipIf(TEST_POSTGRES_URL === undefined)(
  "L20: an answer and its ETag are of one state, also where another server commits between two of its statements",
  async () => {
    const broker = await runBroker();
    onTestFinished(() => broker.remove());
    const { token } = await registerMesh(broker, "shop");
    await registerMesh(broker, "bank");
    const read = () => broker.api("GET", "/v1/trust-domains/shop.example", { token });
    const before = await read();
    const { ENTENTE_DATABASE_URL: url = "" } = await databaseOf(broker.dataFolder);
    const between = await onServer(url, async (client) => {
      await client.query("begin; lock table membership in access exclusive mode");
      const reading = read();
      const waiting = async () =>
        (await client.query("select 1 from pg_locks where not granted and relation = 'membership'::regclass")).rowCount;
      await expect.poll(waiting).toBe(1);
      await client.query("update trust_domain set refresh_hint_seconds = 7 where name = 'shop.example'");
      await client.query("insert into membership values ('bank', 'shop.example', 'granted', 7, 7, null); commit");
      return reading;
    });
    expect([between.status, between.headers.etag, between.body]).toEqual([200, before.headers.etag, before.body]);
    expect((await read()).headers.etag).not.toBe(before.headers.etag);
  },
);

it("L18: a long list holds no connection while it is made: what another tenant asks meanwhile is answered before it", async () => {
  const broker = await runBroker({ ...UNLIMITED, ...ON_SQLITE });
  onTestFinished(() => broker.remove());
  const { token } = await registerMesh(broker, "crowd");
  const other = await registerMesh(broker, "other");
  for (let peer = 0; peer < 60; peer += 1) {
    await bareMesh(broker, `peer-${peer}`);
    const body = { proposer: "crowd", peer: `peer-${peer}` };
    await expectStatus(201, broker.api("POST", "/v1/federations", { token, body }));
  }
  const answered: string[] = [];
  const note = (what: string) => () => void answered.push(what);
  const list = broker.api("GET", "/v1/federations?limit=1000", { token }).then(note("list"));
  const read = broker.api("GET", "/v1/meshes/other", { token: other.token }).then(note("read"));
  await Promise.all([list, read]);
  expect(answered).toEqual(["read", "list"]);
});
