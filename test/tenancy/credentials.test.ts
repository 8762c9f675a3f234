import { crc32 } from "node:zlib";
import type { KyselyPlugin } from "kysely";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { authenticate } from "../../src/features/access/authentication.service.ts";
import { tokenCaller } from "../../src/features/access/caller.ts";
import { newSecret } from "../../src/features/access/secret.ts";
import { issueToken, revokeToken } from "../../src/features/access/token.service.ts";
import type { AdminLimits, Throttle } from "../../src/http/admin-limits.ts";
import { systemRandomness } from "../../src/randomness.ts";
import { adminThrottle } from "../../src/server/throttle.ts";
import { parseText } from "../../src/text.ts";
import { MINUTE_MS } from "../../src/time.ts";
import { bareMesh, events, refused } from "../api/api-fixture.ts";
import { describeOnEachEngine } from "../support/databases.ts";
import { expectStatus, runBroker, type TestBroker } from "../support/running-broker.ts";
import { NOON, operator, storeBroker } from "../support/store-broker.ts";

const origin = { source: "127.0.0.1", requestId: "req_test" };

describeOnEachEngine("S24: what a bearer costs", (open) => {
  it("a bad checksum costs no query; a good one that does not hold costs one, whatever keeps it from holding (S25)", async () => {
    const { db, run } = await storeBroker(await open());
    let queries = 0;
    const counting: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        queries += 1;
        return result;
      },
    };
    const costOf = async (bearer: string) => {
      queries = 0;
      const asked = authenticate(db.withPlugin(counting), `Bearer ${bearer}`, origin, NOON);
      await expect(asked).rejects.toMatchObject({ code: "unauthenticated" });
      return queries;
    };
    const { text } = newSecret(systemRandomness, "tok");
    const last = text.endsWith("0") ? "1" : "0";
    expect(await costOf(text.slice(0, -1) + last)).toBe(0);
    expect(await costOf(text.slice(0, -1))).toBe(0);
    expect(await costOf(text)).toBe(1);
    expect(await costOf(newSecret(systemRandomness, "inv").text)).toBe(1);
    const made = await run(operator, (work) =>
      issueToken(work, { name: parseText("t", ""), role: "auditor", meshes: [], expiresInSeconds: 60 }),
    );
    const another = newSecret(systemRandomness, "tok").text.split("_")[3];
    const guess = made.secret
      .split("_")
      .slice(0, 3)
      .concat(another ?? "")
      .join("_");
    expect(await costOf(`${guess}_${crc32(guess).toString(16).padStart(8, "0")}`)).toBe(1);
    await run(operator, (work) => revokeToken(work, operator, made.token.tokenId));
    expect(await costOf(made.secret)).toBe(1);
  });
});

describe("S28: whoever guesses is slowed down by address, and nobody is locked out", () => {
  const limits = { failedLoginsPerMinute: 20, requestsPerSecond: 20, requestBurst: 60 } as AdminLimits;
  let now = 0;
  const fresh = () =>
    adminThrottle({ ...limits, operatorRequestsPerSecond: 200, operatorRequestBurst: 200 }, () => now);
  const isHeld = (throttle: Throttle, source: string, authorization = "Bearer guess"): boolean =>
    !throttle.beforeLogin(source, authorization).mayPass;

  it("20 failures a minute from one IPv6 /64, however they are spread over it; its neighbour is not held", () => {
    const throttle = fresh();
    for (let n = 0; n < 20; n += 1) throttle.failedLogin(`2001:db8:1:2::${n.toString(16)}`, "Bearer guess");
    expect(isHeld(throttle, "2001:db8:1:2:ffff::1")).toBe(true);
    expect(isHeld(throttle, "2001:db8:1:3::1")).toBe(false);
    now += MINUTE_MS;
    expect(isHeld(throttle, "2001:db8:1:2:ffff::1")).toBe(false);
  });

  it("an IPv4 address is one, mapped or not; the 20th failure holds, the 19th does not", () => {
    const throttle = fresh();
    for (let n = 0; n < 19; n += 1)
      throttle.failedLogin(n % 2 === 0 ? "192.0.2.1" : "::ffff:192.0.2.1", "Bearer guess");
    expect(isHeld(throttle, "192.0.2.1")).toBe(false);
    throttle.failedLogin("192.0.2.1", "Bearer guess");
    expect(isHeld(throttle, "::ffff:192.0.2.1")).toBe(true);
    expect(isHeld(throttle, "192.0.2.2")).toBe(false);
  });

  it("a credential that has held goes on from a held address, until it is used to guess at something else", () => {
    const throttle = fresh();
    throttle.succeededLogin("Bearer known");
    for (let n = 0; n < 20; n += 1) throttle.failedLogin("192.0.2.1", "Bearer guess");
    expect(isHeld(throttle, "192.0.2.1", "Bearer known")).toBe(false);
    expect(isHeld(throttle, "192.0.2.1", "Bearer valid, yet never used here")).toBe(true);
    throttle.failedLogin("192.0.2.1", "Bearer known");
    expect(isHeld(throttle, "192.0.2.1", "Bearer known")).toBe(true);
  });

  it("of a crowd of guesses at once no more are looked at than of as many one after another", async () => {
    const throttle = fresh();
    let lookedAt = 0;
    const guess = () =>
      throttle.inTurn("192.0.2.1", "Bearer guess", async () => {
        if (isHeld(throttle, "192.0.2.1")) return;
        lookedAt += 1;
        await new Promise(setImmediate);
        throttle.failedLogin("192.0.2.1", "Bearer guess");
      });
    await Promise.all(Array.from({ length: 100 }, guess));
    expect(lookedAt).toBe(20);
    throttle.succeededLogin("Bearer known");
    let isDone = false;
    const blocked = throttle.inTurn("192.0.2.1", "Bearer guess", () => new Promise(setImmediate));
    await throttle.inTurn("192.0.2.1", "Bearer known", async () => {
      isDone = true;
    });
    expect(isDone).toBe(true);
    await blocked;
  });

  it("L18: where the database does not answer nobody waits for all who came before, and whoever finds no turn is told so", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const throttle = fresh();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    let lookedAt = 0;
    const login = (source: string) =>
      throttle.inTurn(source, "Bearer valid, yet never used here", () => {
        lookedAt += 1;
        return answered;
      });
    const logins = Array.from({ length: 21 }, () => login("192.0.2.1"));
    await vi.advanceTimersByTimeAsync(1_999);
    expect(lookedAt).toBe(20);
    const elsewhere = login("192.0.2.2");
    const late = expect(logins.pop()).rejects.toMatchObject({ code: "overloaded" });
    await vi.advanceTimersByTimeAsync(1);
    await late;
    answer();
    await Promise.all([...logins, elsewhere]);
    await login("192.0.2.1");
    expect(lookedAt).toBe(22);
  });

  it("failures leave every token as it was: what counts against one is its own requests", () => {
    const throttle = fresh();
    for (let n = 0; n < 40; n += 1) throttle.failedLogin("192.0.2.1", "Bearer guess");
    expect(throttle.request(tokenCaller("tok_1", "mesh-viewer", [], origin)).remaining).toBe(59);
  });
});

describe("S31: no header says where a request comes from", () => {
  let broker: TestBroker;
  beforeAll(async () => {
    broker = await runBroker();
  });
  afterAll(() => broker.remove());
  const CLAIMS = ["x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip", "x-client-ip"];
  const claiming = (address: string) =>
    Object.fromEntries(CLAIMS.map((name) => [name, name === "forwarded" ? `for=${address}` : address]));

  it("an audit event's source is the connection's", async () => {
    const { token } = await bareMesh(broker, "shop");
    const body = { displayName: "Shop" };
    await expectStatus(200, broker.api("PATCH", "/v1/meshes/shop", { token, body, headers: claiming("192.0.2.7") }));
    const [changed] = await events(broker, "type=mesh.updated");
    expect(changed.source).toBe("127.0.0.1");
  });

  it("nor does another claim with each try get anybody past the limit on failures", async () => {
    const guess = (n: number) => broker.api("GET", "/v1/meshes", { token: "wrong", headers: claiming(`192.0.2.${n}`) });
    for (let n = 0; n < 20; n += 1) await refused("unauthenticated", guess(n));
    await refused("too-many-requests", guess(20));
  });
});
