import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import { describe, expect, it, onTestFinished } from "vitest";
import { decide, eventually } from "../federation/federation-fixture.ts";
import { spawnBroker } from "../support/broker-process.ts";
import { onServer, TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh, runBroker, type TestBroker } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const server = TEST_POSTGRES_URL ?? "postgres://none";
const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "postgresql.md"), "utf8");

/** The statements of docs/postgresql.md, with roles and a database of this test's own. */
function documented(block: "superuser" | "owner" | "grants", mine: string): string[] {
  const [, text] = new RegExp(`^\`\`\`sql ${block}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(page) ?? [];
  if (text === undefined) throw new Error(`docs/postgresql.md has no block "sql ${block}"`);
  return text
    .replaceAll(/\bentente(?=_owner|_server)/g, mine)
    .replaceAll(/\bdatabase entente\b/g, `database ${mine}`)
    .split(/;\n/)
    .filter((statement) => statement.trim() !== "");
}

const run = (url: string, statements: readonly string[]) =>
  onServer(url, async (client) => {
    for (const statement of statements) await client.query(statement);
  });

/** Follows the page up to its grants; resolves with the URLs of the owner and of the servers, and what grants. */
async function followUpToGrants() {
  const mine = `ent_${randomBytes(6).toString("hex")}`;
  const as = (role: string, database = mine): string => {
    const url = new URL(server);
    [url.username, url.pathname] = [role, `/${database}`];
    return url.href;
  };
  onTestFinished(async () => {
    await run(server, [`drop database ${mine} with (force)`, `drop role ${mine}_owner`, `drop role ${mine}_server`]);
  });
  const [owner, servers] = [as(`${mine}_owner`), as(`${mine}_server`)];
  await run(server, documented("superuser", mine));
  await run(owner, documented("owner", mine));
  const early = spawnBroker(temporaryFolder(), { ENTENTE_DATABASE_URL: servers });
  expect({ ...(await early.ended), said: early.output() }).toMatchObject({
    code: 78,
    said: expect.stringMatching(/lacks the migrations 0001-main-job, .*npm run migrate/),
  });
  const migration = spawnBroker(temporaryFolder(), { ENTENTE_DATABASE_URL: owner }, ["migrate"]);
  expect({ ...(await migration.ended), said: migration.output() }).toMatchObject({
    code: 0,
    said: expect.stringContaining("done: 0001-main-job, "),
  });
  return { owner, servers, mine, grant: (upTo?: number) => run(owner, documented("grants", mine).slice(0, upTo)) };
}

async function followThePage() {
  const followed = await followUpToGrants();
  await followed.grant();
  return followed;
}

async function startOn(databaseUrl: string, folder = temporaryFolder()) {
  const broker = spawnBroker(folder, { ENTENTE_DATABASE_URL: databaseUrl });
  return { ...(await broker.ended), said: broker.output() };
}

const refusalOf = (client: pg.Client, statement: string) =>
  client.query(statement).then(
    () => "allowed",
    (error: { code: string }) => error.code,
  );

describe.skipIf(TEST_POSTGRES_URL === undefined)("the role that docs/postgresql.md gives the servers", () => {
  it("S68: runs a whole broker, and can neither change history nor the tables", async () => {
    const { owner, servers } = await followThePage();
    const broker = await runBroker({ ENTENTE_DATABASE_URL: servers });
    onTestFinished(() => broker.remove());
    const bank = await registerMesh(broker, "bank");
    const shop = await registerMesh(broker, "shop");
    const federationId = await federate(broker, bank, shop);
    const path = `/p/${bank.pollerToken}/${shop.trustDomain}`;
    expect((await broker.pollSpiffe(path)).status).toBe(200);
    await expectStatus(200, decide(broker, shop, federationId, "withdraw"));
    await eventually(
      async () => (await broker.api("GET", "/v1/meshes/bank/deliveries", { token: bank.token })).body.deliveries,
      ({ length }) => length > 0,
    );
    const gone = await broker.api("DELETE", "/v1/meshes/shop?withdraw=true", { token: shop.token });
    expect(gone.status).toBe(200);
    expect(broker.log()).not.toContain("permission denied");
    expect(broker.log()).not.toContain("can change history");

    await onServer(servers, async (client) => {
      for (const table of ["event", "event_detail", "event_subject", "event_subject_type", "revision"])
        for (const statement of [`update ${table} set position = 0`, `delete from ${table}`, `truncate ${table}`])
          expect(await refusalOf(client, statement), statement).toBe("42501");
      for (const statement of [
        "drop trigger event_append_only on event",
        "alter table event disable trigger all",
        "create table other (id int)",
        "delete from log_head",
        "insert into migration values ('9999-tomorrow', 0)",
        "update sealed_key set sealed = ''",
        "update broker set generation = 9",
        "set session_replication_role = replica",
      ])
        expect(await refusalOf(client, statement), statement).toBe("42501");
      // A roll-over of the CA ends with the removal of the old one's key.
      expect(await refusalOf(client, "delete from sealed_key where name = 'broker-ca'")).toBe("allowed");
    });
    await onServer(owner, async (client) => {
      expect(await refusalOf(client, "delete from event"), "S68: not even the owner, by mistake").toBe("P0001");
    });
  }, 60_000);

  it("S68: a role that could change history starts with a warning that names what, the owner's among them", async () => {
    const { owner, servers } = await followThePage();
    const all = ["event", "event_detail", "event_subject", "event_subject_type", "revision"];
    const changeable = (broker: TestBroker) => {
      const line = broker
        .log()
        .split("\n")
        .find((one) => one.includes("can change history"));
      return JSON.parse(line ?? "{}") as { level?: number; tables?: string[] };
    };
    const asOwner = await runBroker({ ENTENTE_DATABASE_URL: owner });
    expect(changeable(asOwner)).toMatchObject({ level: 40, tables: expect.arrayContaining(all) });
    await asOwner.close();
    await onServer(owner, (client) => client.query(`grant delete on revision to ${new URL(servers).username}`));
    const asServer = await runBroker({ ENTENTE_DATABASE_URL: servers }, asOwner.dataFolder);
    onTestFinished(() => asServer.remove());
    expect(changeable(asServer)).toMatchObject({ level: 40, tables: ["revision"] });
  }, 60_000);

  it("L9: a start before the grants says that the role lacks rights, not that migrations are missing", async () => {
    const { servers, grant } = await followUpToGrants();
    for (const [granted, lacking] of [
      [0, "usage on the schema entente;"],
      [1, "select on migration;"],
    ] as const) {
      await grant(granted);
      const { code, said } = await startOn(servers);
      expect(said).toContain(`the role of databaseUrl lacks rights: ${lacking}`);
      expect(said).toContain("docs/postgresql.md");
      expect(said).not.toMatch(/lacks the migrations|\n +at /);
      expect(code).toBe(78);
    }
  }, 60_000);

  it("L9: a role that may not connect is told which rights it needs", async () => {
    const { servers, mine } = await followThePage();
    await run(server, [`revoke connect on database ${mine} from ${mine}_server`]);
    const { code, said } = await startOn(servers);
    expect(said).toMatch(/permission denied for database .*give its role the rights of docs\/postgresql\.md/s);
    expect(said).not.toMatch(/\n +at /);
    expect(code).toBe(78);
  }, 60_000);

  it("L9: a start names each table to which a grant was forgotten, as after an upgrade", async () => {
    const { owner, servers, mine } = await followThePage();
    await run(owner, [
      `revoke all on distrust from ${mine}_server`,
      `revoke update (cursor_key) on broker from ${mine}_server`,
      `revoke delete on token from ${mine}_server`,
    ]);
    const { code, said } = await startOn(servers);
    expect(said).toContain(
      "lacks rights: update on broker; delete, insert, select, update on distrust; delete on token;",
    );
    expect(said).not.toMatch(/\n +at /);
    expect(code).toBe(78);
  }, 60_000);

  it("a right that is taken while a server runs is 503 storage-unavailable and an error in the log", async () => {
    const { owner, servers, mine, grant } = await followThePage();
    const broker = await runBroker({ ENTENTE_DATABASE_URL: servers });
    onTestFinished(() => broker.remove());
    await run(owner, [`revoke all on mesh from ${mine}_server`]);
    const body = { meshId: "bank", trustDomain: "bank.example" };
    const answer = await broker.api("POST", "/v1/meshes", { body, token: broker.operatorToken });
    expect(answer).toMatchObject({ status: 503, body: { code: "storage-unavailable" } });
    expect(broker.log()).toMatch(/"level":50.*"failure":"permission denied for table mesh","failureCode":"42501"/);
    await grant();
    await registerMesh(broker, "bank");
  }, 60_000);

  it("L9: where the CA's sealed key is gone the refusal's own statements lead to a start with a new CA (R49)", async () => {
    const { owner, servers } = await followThePage();
    const folder = temporaryFolder();
    const broker = await runBroker({ ENTENTE_DATABASE_URL: servers }, folder);
    await broker.close();
    await run(owner, ["delete from sealed_key"]);
    const { code, said } = await startOn(servers, folder);
    const [, statements = ""] = /as the owner of the tables, run "(.*?)"/.exec(said) ?? [];
    expect({ code, isOnThePage: page.includes(statements) }).toEqual({ code: 78, isOnThePage: true });
    await run(owner, [statements]);
    const again = await runBroker({ ENTENTE_DATABASE_URL: servers }, folder);
    onTestFinished(() => again.remove());
    expect((await again.api("GET", "/v1/broker", { token: again.operatorToken })).status).toBe(200);
  }, 60_000);

  it("L9: a table that is gone is named, and is no crash", async () => {
    const { owner, servers } = await followThePage();
    await run(owner, ["drop table broker_certificate"]);
    for (const url of [servers, owner]) {
      const { code, said } = await startOn(url);
      expect(said).toContain("lacks the tables broker_certificate");
      expect(code).toBe(78);
    }
  }, 60_000);
});
