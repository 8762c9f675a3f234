import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { type RunningServer, runServer } from "./running-server.ts";

/** What federations that ended make a mesh's people, its peer's and everybody's changes wait for: nothing, however many. */
const ENDED = 10_000;
const ROUNDS = 30;
const WARM_UP_ROUNDS = 5;
const GROWTH_TARGET = 1.2;

export async function measureEndedFederations(): Promise<void> {
  const servers = [await prepare(0), await prepare(ENDED)] as const;
  try {
    const spent = new Map<string, [none: number, many: number]>();
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      for (const [index, acts] of servers.entries()) {
        for (const [name, act] of Object.entries(acts.measured)) {
          const start = performance.now();
          await act();
          const sums = spent.get(name) ?? [0, 0];
          if (round >= 0) sums[index as 0 | 1] += performance.now() - start;
          spent.set(name, sums);
        }
      }
    }
    console.table(
      Object.fromEntries(
        [...spent].map(([name, [none, many]]) => [
          name,
          {
            "none ms": (none / ROUNDS).toFixed(2),
            [`${ENDED} ended ms`]: (many / ROUNDS).toFixed(2),
            ratio: `${(many / none).toFixed(2)} (≤ ${GROWTH_TARGET.toFixed(2)})`,
          },
        ]),
      ),
    );
  } finally {
    for (const { server } of servers) await server.stop();
  }
}

async function prepare(ended: number) {
  const server = await runServer();
  const ask = asker(server);
  const shop = await register(ask, server.operatorToken, "shop");
  const bank = await register(ask, server.operatorToken, "bank");
  const cycle = async () => {
    const { federationId } = await ask("POST", "/v1/federations", shop, { proposer: "shop", peer: "bank" });
    const withdrawn = { meshId: "shop", decision: "withdraw" };
    await ask("POST", `/v1/federations/${federationId}/consents`, shop, withdrawn);
  };
  await cycle();
  multiply(join(server.folder, "entente.db"), ended);
  const measured: Record<string, () => Promise<unknown>> = {
    "propose and withdraw": cycle,
    "the peer's document": () => ask("GET", "/v1/meshes/bank/document", bank),
    async "suspend the peer, and end it"() {
      await ask("POST", "/v1/meshes/bank/suspension", server.operatorToken, { reason: "measured" });
      await ask("DELETE", "/v1/meshes/bank/suspension", server.operatorToken);
    },
  };
  return { server, measured };
}

/** The one federation that there is, so many times more. */
function multiply(path: string, times: number): void {
  const db = new BetterSqlite3(path);
  db.prepare(
    `with recursive copy(n) as (select 1 where ? > 0 union all select n + 1 from copy where n < ?)
      insert into federation (federation_id, mesh_a, mesh_b, trust_domain_a, trust_domain_b, created_at, updated_at,
        expires_at, document)
      select 'fed_' || n, mesh_a, mesh_b, trust_domain_a, trust_domain_b, created_at, updated_at, expires_at,
        json_set(document, '$.federationId', 'fed_' || n) from federation, copy`,
  ).run(times, times);
  db.close();
}

const asker =
  ({ call }: RunningServer) =>
  async (method: string, path: string, token: string, body?: unknown): Promise<Record<string, string>> => {
    const answer = await call(method, path, token, body);
    if (answer.status > 299) throw new Error(`${method} ${path} was answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body) as Record<string, string>;
  };

async function register(ask: ReturnType<typeof asker>, operator: string, meshId: string): Promise<string> {
  const trustDomain = `${meshId}.example`;
  const { token: invitation = "" } = await ask("POST", "/v1/invitations", operator, { trustDomain });
  return (await ask("POST", "/v1/meshes", invitation, { meshId, trustDomain })).token ?? "";
}
