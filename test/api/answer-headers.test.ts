import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contract } from "../../scripts/docs/contract.ts";
import { recordExamples } from "../../scripts/docs/examples/record.ts";
import type { ContractOperation } from "../../src/http/contract-document.ts";
import { type ApiAnswer, runBroker, type TestBroker } from "../support/running-broker.ts";
import { UNLIMITED } from "./api-fixture.ts";

const { document } = await contract();
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
);
const named = new Map(operations.map(({ operation }) => [operation.operationId, operation]));

/** What HTTP itself has, and what every answer has that a browser is to be told. */
const OF_EVERY_ANSWER: ReadonlySet<string> = new Set([
  ...["cache-control", "x-content-type-options", "referrer-policy"],
  ...["content-type", "content-length", "date", "connection", "keep-alive", "transfer-encoding"],
]);

type Answered = Pick<ApiAnswer, "status" | "headers">;

/** What an answer says that its operation does not declare: its status, or a header. */
function undeclared(operation: ContractOperation | undefined, { status, headers }: Answered): string[] {
  const response = operation?.responses[status];
  if (!response) return [`${operation?.operationId} ${status}`];
  const declared = new Set(Object.keys(response.headers ?? {}).map((name) => name.toLowerCase()));
  return Object.keys(headers)
    .filter((name) => !OF_EVERY_ANSWER.has(name) && !declared.has(name))
    .map((name) => `${operation.operationId} ${status} ${name}`);
}

describe("each header that the broker sends is one that the contract declares there", () => {
  it("where it does what it is asked, of every operation", async () => {
    const faults: string[] = [];
    const seen = new Set<string>();
    const sent = new Set<string>();
    await recordExamples((operationId, answer) => {
      seen.add(operationId);
      for (const name of Object.keys(answer.headers)) sent.add(name);
      faults.push(...undeclared(named.get(operationId), answer));
    });
    expect(faults).toEqual([]);
    expect([...seen].sort()).toEqual([...named.keys()].sort());
    for (const name of ["etag", "location", "ratelimit", "ratelimit-policy", "vary"]) expect(sent).toContain(name);
  });

  it("and one that is not declared would be found", () => {
    const answer = { status: 200, headers: { ratelimit: "x", "x-entente": "y" } };
    expect(undeclared(named.get("livez"), answer)).toEqual(["livez 200 ratelimit", "livez 200 x-entente"]);
    expect(undeclared(named.get("listMeshes"), answer)).toEqual(["listMeshes 200 x-entente"]);
    expect(undeclared(named.get("listMeshes"), { status: 201, headers: {} })).toEqual(["listMeshes 201"]);
  });
});

describe("a refusal, too", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await runBroker({
      ENTENTE_LIMITS_OPERATOR_REQUESTS_PER_SECOND: "1",
      ENTENTE_LIMITS_OPERATOR_REQUEST_BURST: "1",
      ENTENTE_LIMITS_FAILED_LOGINS_PER_MINUTE: "100000",
    });
  });
  afterAll(() => broker.remove());
  const known = operations.filter(({ operation }) => !("security" in operation));
  const asked = ({ method, path }: (typeof operations)[number], token?: string, at = "") =>
    broker.api(method, `${path.replaceAll(/\{\w+\}/g, "x")}${at}`, token === undefined ? {} : { token });

  it.each(known.map((each) => [each.operation.operationId, each] as const))("of %s", async (_name, each) => {
    const answers = [
      await asked(each),
      await asked(each, broker.operatorToken, "?no-such-parameter=1"),
      await asked(each, broker.operatorToken),
    ];
    expect(answers.map(({ status }) => status)).toContain(401);
    expect(answers.map(({ status }) => status)).toContain(429);
    expect(answers.flatMap((answer) => undeclared(each.operation, answer))).toEqual([]);
    for (const { status, headers } of answers) {
      if (status === 401) expect(headers["www-authenticate"]).toMatch(/^Bearer/);
      if (status !== 401) expect(headers.ratelimit).toMatch(/^"default";r=\d+;t=\d+$/);
      if (status === 429) expect(headers).toMatchObject({ "retry-after": "1", ratelimit: '"default";r=0;t=1' });
    }
  });

  it("and what is fresh, has a next page, or was done before", async () => {
    const open = await runBroker(UNLIMITED);
    try {
      const token = open.operatorToken;
      const body = { trustDomain: "a.example", expiresInSeconds: 60 };
      const post = (asked: object) =>
        open.api("POST", "/v1/shared-key-allowances", { token, body: asked, headers: { "idempotency-key": "k" } });
      const allowance = { trustDomains: ["a.example", "b.example"], reason: "one root" };
      expect((await open.api("POST", "/v1/invitations", { token, body })).status).toBe(201);
      expect((await post(allowance)).status).toBe(201);
      const page = await open.api("GET", "/v1/audit-events?limit=1", { token });
      const fresh = { token, headers: { "if-none-match": String(page.headers.etag) } };
      const answers: [string, ApiAnswer, string][] = [
        ["listAuditEvents", page, "link"],
        ["listAuditEvents", await open.api("GET", "/v1/audit-events?limit=1", fresh), "etag"],
        ["listAuditEvents", await open.api("GET", "/v1/audit-events", { token, headers: { accept: "x/y" } }), "vary"],
        ["allowSharedKey", await post(allowance), "idempotency-replayed"],
      ];
      expect(answers.map(([, { status }]) => status)).toEqual([200, 304, 406, 201]);
      for (const [operationId, answer, header] of answers) {
        expect(answer.headers).toHaveProperty(header);
        expect(undeclared(named.get(operationId), answer)).toEqual([]);
      }
    } finally {
      await open.remove();
    }
  });

  it("of an address that tried too many credentials says by which rate (S28)", async () => {
    const strict = await runBroker({ ENTENTE_LIMITS_FAILED_LOGINS_PER_MINUTE: "2" });
    try {
      for (const _ of [1, 2]) expect((await strict.api("GET", "/v1/meshes")).status).toBe(401);
      const { status, headers } = await strict.api("GET", "/v1/meshes");
      expect([status, headers["ratelimit-policy"]]).toEqual([429, '"refused-credentials";q=2;w=60']);
      expect(headers.ratelimit).toBe(`"refused-credentials";r=0;t=${headers["retry-after"]}`);
    } finally {
      await strict.remove();
    }
  });
});
