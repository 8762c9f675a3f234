import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { findPostgres, startCluster } from "../scripts/postgres/cluster.ts";
import { everything } from "../test/process/crash-reading.ts";
import { type ListeningProcess, startProcess } from "../test/support/broker-process.ts";
import { expectStatus, registerMesh } from "../test/support/running-broker.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";

const ROUNDS = Number(process.env.RACE_ROUNDS ?? 1_000);
const CLIENTS = 10;
const PATH = "/v1/meshes/shop";
const UNLIMITED = { ENTENTE_LIMITS_REQUESTS_PER_SECOND: "100000", ENTENTE_LIMITS_REQUEST_BURST: "100000" };
const programs = findPostgres();

interface Update {
  readonly detail: { readonly beforeDigest: string; readonly afterDigest: string };
}

/** All clients change one mesh on the ETag that was read before the round, over the servers in turn. */
async function race(servers: readonly [ListeningProcess, ...ListeningProcess[]]): Promise<void> {
  const [first] = servers;
  const { token } = await registerMesh(first, "shop");
  const server = (index: number) => servers[index % servers.length] ?? first;
  const winners: string[] = [];
  const wonAt = servers.map(() => 0);
  let stale = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const { headers } = await expectStatus(200, server(round).api("GET", PATH, { token }));
    const names = Array.from({ length: CLIENTS }, (_, client) => `round ${round}, client ${client}`);
    const answers = await Promise.all(
      names.map((displayName, client) =>
        server(client).api("PATCH", PATH, {
          token,
          body: { displayName },
          headers: { "if-match": headers.etag as string },
        }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted(), `round ${round}`).toEqual([
      200,
      ...Array(CLIENTS - 1).fill(412),
    ]);
    const winner = answers.findIndex(({ status }) => status === 200);
    winners.push(names[winner] ?? "");
    wonAt[winner % servers.length] = (wonAt[winner % servers.length] ?? 0) + 1;
    stale += CLIENTS - 1;
  }
  const updates = await everything<Update>(
    first,
    first.operatorToken,
    "/v1/audit-events?order=asc&type=mesh.updated",
    "events",
  );
  expect(updates).toHaveLength(ROUNDS);
  // Each was made to what the one before had left.
  expect(updates.slice(1).map(({ detail }) => detail.beforeDigest)).toEqual(
    updates.slice(0, -1).map(({ detail }) => detail.afterDigest),
  );
  expect(new Set(updates.map(({ detail }) => detail.afterDigest)).size).toBe(ROUNDS);
  for (const each of servers) expect((await each.api("GET", PATH, { token })).body.displayName).toBe(winners.at(-1));
  console.log(
    `${ROUNDS} rounds of ${CLIENTS} clients on ${servers.length} servers: ${winners.length} answered 200 ` +
      `(a server: ${wonAt.join(", ")}), ${stale} answered 412, ${updates.length} effects, each on the one before`,
  );
}

it("L20: SQLite: of ten who change a mesh on one ETag one succeeds, a thousand times, and no update is lost", async () => {
  await race([await startProcess(temporaryFolder(), UNLIMITED)]);
});

it.skipIf(programs === undefined)("L20: the same on PostgreSQL, over two servers", async () => {
  const cluster = await startCluster(programs ?? "");
  onTestFinished(() => cluster.remove());
  const keyFile = join(temporaryFolder(), "entente.key");
  writeFileSync(keyFile, randomBytes(32), { mode: 0o600 });
  const env = { ...UNLIMITED, ENTENTE_DATABASE_URL: cluster.url, ENTENTE_KEY_FILE: keyFile };
  const one = await startProcess(temporaryFolder(), env);
  await race([one, await startProcess(temporaryFolder(), env)]);
});
