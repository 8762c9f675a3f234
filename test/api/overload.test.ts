import { afterAll, describe, expect, it } from "vitest";
import { keepLoopBusy } from "../support/busy-loop.ts";
import { ON_SQLITE } from "../support/postgres-server.ts";
import { runBroker } from "../support/running-broker.ts";
import { UNLIMITED } from "./api-fixture.ts";

const WINDOW_MS = 2_000;

describe("L18: more is asked than can be done", () => {
  const running = runBroker({
    ...ON_SQLITE,
    ...UNLIMITED,
    ENTENTE_LIMITS_LOOP_DELAY_MS: "100",
  });
  afterAll(async () => (await running).remove());

  it("while the loop is late the admin API turns away everything but health; bundles and later requests are answered", async () => {
    const broker = await running;
    const token = broker.operatorToken;
    await keepLoopBusy(2 * WINDOW_MS);
    const read = await broker.api("GET", "/v1/tokens", { token });
    expect([read.status, read.body.code, read.headers["retry-after"]]).toEqual([503, "overloaded", "1"]);
    const body = { name: "late", role: "auditor" };
    expect((await broker.api("POST", "/v1/tokens", { token, body })).status).toBe(503);
    expect((await broker.api("GET", "/livez")).status).toBe(200);
    expect((await broker.pollSpiffe("/bundle")).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 2 * WINDOW_MS));
    expect((await broker.api("GET", "/v1/tokens", { token })).status).toBe(200);
  });
});

// The embedded database has done one crowd before the next is read from its sockets.
describe.runIf(process.env.ENTENTE_TEST_POSTGRES_URL)("L18: more changes are sent than a database takes", () => {
  const running = runBroker({
    ...UNLIMITED,
    ENTENTE_DATABASE_CONNECTIONS: "3",
    ENTENTE_LIMITS_CHANGES_IN_FLIGHT: "5",
  });
  afterAll(async () => (await running).remove());

  it("of a crowd of changes some are turned away with a Retry-After, and of those nothing was done", async () => {
    const broker = await running;
    const token = broker.operatorToken;
    const asked = Array.from({ length: 60 }, (_, number) => `crowd-${number}`);
    const answers = await Promise.all(
      asked.map((name) => broker.api("POST", "/v1/tokens", { token, body: { name, role: "auditor" } })),
    );
    const turnedAway = answers.filter(({ status }) => status === 503);
    expect(turnedAway.length).toBeGreaterThan(0);
    for (const { body, headers } of turnedAway)
      expect([body.code, headers["retry-after"]]).toEqual(["overloaded", "1"]);
    const made = asked.filter((_, index) => answers[index]?.status === 201);
    expect(made.length + turnedAway.length).toBe(asked.length);
    const { body } = await broker.api("GET", "/v1/tokens?limit=1000", { token });
    const there = body.tokens.map(({ name }: { name: string }) => name).filter((name: string) => /^crowd-/.test(name));
    expect(there.sort()).toEqual(made.sort());
  });
});

describe("S55: whose host a request names", () => {
  const running = runBroker({ ...ON_SQLITE, ENTENTE_PUBLIC_URL_ADMIN: "https://admin.broker.example" });
  afterAll(async () => (await running).remove());
  const ask = async (path: string, host: string) => {
    const broker = await running;
    return broker.api("GET", path, { token: broker.operatorToken, headers: { host } });
  };

  it.each(["localhost", "LOCALHOST:1", "127.0.0.1:8440", "[::1]:8440", "admin.broker.example"])(
    "%s is the broker",
    async (host) => expect((await ask("/v1/tokens", host)).status).toBe(200),
  );

  it.each([
    "elsewhere.example",
    "broker.example",
    "127.0.0.2",
    "localhost.",
    "admin.broker.example.evil.example",
    "a@b",
  ])("%s is not, wherever it is sent", async (host) => {
    for (const path of ["/v1/tokens", "/livez", "/docs/", "/nowhere"]) {
      const { status, body } = await ask(path, host);
      expect([status, body.code], path).toEqual([421, "misdirected-request"]);
    }
  });
});
