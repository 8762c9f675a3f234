import Fastify from "fastify";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { openapi } from "../../scripts/docs/openapi.ts";
import { requirePermissions } from "../../src/http/mount.ts";
import { bytesButRequestId, UNLIMITED } from "../api/api-fixture.ts";
import { type ApiAnswer, runBroker } from "../support/running-broker.ts";
import { credentials, HOLDERS, type Holder, IS, NO_CREDENTIAL, newInvitation } from "./holders.ts";
import { OPEN_TO_ALL, ROWS, type Row } from "./rows.ts";
import { TARGETS, type Target, type TargetName, tenants } from "./targets.ts";

const broker = await runBroker({ ...UNLIMITED, ENTENTE_BREAK_GLASS: "true" });
afterAll(() => broker.remove());
const there = await tenants(broker);
const tokens = await credentials(broker, there);

/** Asks about a target; what would change something is asked for as a dry run, so that no cell is in another's way. */
function ask(operation: string, { body }: Row, token: string | undefined, target: Target): Promise<ApiAnswer> {
  const [method = "", path = ""] = operation.split(" ");
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => target.values[name] ?? `no ${name}`);
  const query = method === "GET" ? "" : "?dryRun=true";
  return broker.api(method, filled + query, { ...(token ? { token } : {}), ...(body ? { body: body(target) } : {}) });
}

/** Who reaches it, of those who hold a permission. */
function reaches({ reach }: Row, holder: Holder, name: TargetName): boolean {
  if (reach === "no target") return true;
  if (name === "absent" || name === "malformed") return false;
  const { meshId: mine } = IS[holder];
  if (mine === undefined || reach === "broker") return true;
  const { meshId, served, sides } = there.targets[name];
  return { mesh: [meshId], served, sides }[reach].includes(mine);
}

function expected(row: Row, holder: Holder, name: TargetName): number {
  if (!row.by.includes(IS[holder].role)) return 403;
  return reaches(row, holder, name) ? row.done : 404;
}

/** A row's cells by holder, each one answer a target, in the order of `TARGETS`. */
async function cells<T>(cell: (holder: Holder, name: TargetName) => T | Promise<T>): Promise<Record<string, T[]>> {
  const table: Record<string, T[]> = {};
  for (const holder of HOLDERS) {
    table[holder] = [];
    for (const name of TARGETS) table[holder].push(await cell(holder, name));
  }
  return table;
}

describe("S17: operation × credential × ownership", () => {
  it("every operation of the contract has a row, and every row an operation", async () => {
    const { paths } = parse(await openapi.render()) as { paths: Record<string, Record<string, unknown>> };
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...Object.keys(ROWS), ...OPEN_TO_ALL].sort()).toEqual(operations.sort());
  });

  it.each(OPEN_TO_ALL)("%s answers without a credential, and does not look at one", async (operation) => {
    const [method = "", path = ""] = operation.split(" ");
    for (const token of Object.values(tokens))
      expect((await broker.api(method, path, token ? { token } : {})).status).toBe(200);
  });

  describe.each(Object.entries(ROWS))("%s", (operation, row) => {
    it("S25: without a valid credential: one 401, the same bytes for all and whatever is asked for", async () => {
      const answers: ApiAnswer[] = [];
      for (const none of NO_CREDENTIAL)
        for (const name of TARGETS) answers.push(await ask(operation, row, tokens[none], there.targets[name]));
      for (const { status, body } of answers) expect([status, body.code]).toEqual([401, "unauthenticated"]);
      expect(new Set(answers.map(bytesButRequestId)).size).toBe(1);
    });

    it(`is for ${row.by.join(", ")}; S16: what they do not reach is absent, in the same bytes`, async () => {
      tokens.invitation = await newInvitation(broker);
      const absent = new Set<string>();
      const found = await cells(async (holder, name) => {
        const answer = await ask(operation, row, tokens[holder], there.targets[name]);
        const { status, body, text } = answer;
        if (status === 403) expect(body.code, text).toBe("forbidden");
        if (status === 404) expect(body.code, text).toBe("not-found");
        // Who sees a federation is told which member of the body names a mesh that it does not speak for.
        const sees = there.targets[name].sides.includes(IS[holder].meshId ?? "");
        if (status === 404 && !sees) absent.add(bytesButRequestId(answer));
        return status;
      });
      expect(found).toEqual(await cells((holder, name) => expected(row, holder, name)));
      expect([...absent].length).toBeLessThanOrEqual(1);
    });
  });
});

describe("S18: nothing is served that declares no permission", () => {
  it("such a route fails as it is added, before anything listens", () => {
    const app = Fastify();
    requirePermissions(app);
    const add = (config: object) => () => app.route({ method: "GET", url: "/x", config, handler: async () => ({}) });
    expect(add({})).toThrow("GET /x declares no permission (S18)");
    expect(add({ endpoint: { path: "/x" } })).toThrow("GET /x declares no permission (S18)");
    expect(add({ endpoint: { path: "/x", permission: "mesh:read" } })).not.toThrow();
  });
});
