import { afterAll, describe, expect, it } from "vitest";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { bareMesh, events, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const shop = await registerMesh(broker, "shop");
const bank = await registerMesh(broker, "bank");
const { token } = shop;
const PATH = "/v1/meshes/shop";
const read = (headers = {}) => broker.api("GET", PATH, { token, headers });
const patch = (ifMatch: string, body: object) =>
  broker.api("PATCH", PATH, { token, body, headers: { "if-match": ifMatch } });

describe("L20: a change says what it is based on", () => {
  it("without If-Match it is refused, whatever it changes, and nothing happens", async () => {
    const [before] = await events(broker, "limit=1");
    const poller = `${PATH}/pollers/${(await broker.api("GET", `${PATH}/pollers`, { token })).body.pollers[0].pollerId}`;
    for (const [method, path, body] of [
      ["PATCH", PATH, { displayName: "x" }],
      ["PATCH", "/v1/trust-domains/shop.example", { public: true }],
      ["DELETE", poller, undefined],
    ] as const) {
      const call = { token, ...(body ? { body } : {}) };
      await refused("precondition-required", broker.api(method, path, { ...call, unguarded: true }));
      await refused("precondition-failed", broker.api(method, path, { ...call, headers: { "if-match": "" } }));
    }
    expect((await read()).body.displayName).toBe("shop");
    expect((await events(broker, "limit=100&type=mesh.updated")).length).toBe(0);
    expect(before).toBeDefined();
  });

  it("with the ETag of a read it is made, and answers the ETag of what it made", async () => {
    const { headers } = await read();
    const changed = await expectStatus(200, patch(headers.etag as string, { displayName: "The shop" }));
    expect(changed.headers.etag).not.toBe(headers.etag);
    expect((await read()).headers.etag).toBe(changed.headers.etag);
  });

  it("with an ETag that what is observed has left behind it is made all the same, and a read is not fresh by it", async () => {
    const bank = await registerMesh(broker, "observed-bank");
    const mine = await registerMesh(broker, "observed-shop");
    const path = `/v1/federations/${await federate(broker, bank, mine)}`;
    const { etag } = (await expectStatus(200, broker.api("GET", path, { token: bank.token }))).headers;
    await broker.pollSpiffe(`/p/${bank.pollerToken}/${mine.trustDomain}`);
    const seen = async () => {
      const { status } = await broker.api("GET", path, {
        token: bank.token,
        headers: { "if-none-match": etag as string },
      });
      return status;
    };
    while ((await seen()) === 304) await new Promise((resolve) => setTimeout(resolve, 20));
    const body = { meshId: bank.meshId, decision: "withdraw" };
    const withdraw = () =>
      broker.api("POST", `${path}/consents`, {
        token: bank.token,
        body,
        headers: { "if-match": etag as string },
      });
    await expectStatus(200, withdraw());
    await expectStatus(412, withdraw());
  });

  it("a label of the name of what is observed is the people's own: who changes it on an old ETag is refused", async () => {
    const document = (await expectStatus(200, broker.api("GET", `${PATH}/document`, { token }))).body;
    const put = (said: string, ifMatch: string) =>
      broker.api("PUT", `${PATH}/document`, {
        token,
        body: { ...document, mesh: { ...document.mesh, labels: { conditions: said, lastUsedAt: said } } },
        headers: { "if-match": ifMatch },
      });
    await expectStatus(200, put("first", "*"));
    const { headers } = await expectStatus(200, broker.api("GET", `${PATH}/document`, { token }));
    await expectStatus(200, put("from A", headers.etag as string));
    await refused("precondition-failed", put("from B", headers.etag as string));
  });

  it("a poller's rotation is somebody's doing: what was read before it is stale", async () => {
    const poller = (
      await expectStatus(201, broker.api("POST", `${PATH}/pollers`, { token, body: { name: "rotated" } }))
    ).body;
    const path = `${PATH}/pollers/${poller.pollerId}`;
    const { headers } = await expectStatus(200, broker.api("GET", path, { token }));
    const guarded = { token, headers: { "if-match": headers.etag as string } };
    const { body } = await expectStatus(200, broker.api("POST", `${path}/rotations`, guarded));
    expect(body.rotatedAt).toEqual(expect.any(String));
    await refused("precondition-failed", broker.api("POST", `${path}/rotations`, guarded));
    await refused("precondition-failed", broker.api("DELETE", path, guarded));
  });

  it("with an ETag that is stale, weak or none at all it is refused with 412", async () => {
    const stale = (await read()).headers.etag as string;
    await expectStatus(200, patch(stale, { displayName: "Another" }));
    for (const [tag, why] of [
      [stale, "it is not what If-Match names"],
      ['""', "it is not what If-Match names"],
      [`W/${(await read()).headers.etag}`, "no strong entity tag"],
      [stale.slice(1, -1), "no strong entity tag"],
    ] as const) {
      const { body } = await refused("precondition-failed", patch(tag, { displayName: "x" }));
      expect(body.detail).toContain(why);
    }
    await expectStatus(200, patch(`"x", ${(await read()).headers.etag}`, { displayName: "One of a list" }));
  });

  it("an action may say it too, of the resource that it is an action on", async () => {
    const body = { proposer: "shop", peer: "bank" };
    const { federationId } = (await expectStatus(201, broker.api("POST", "/v1/federations", { token, body }))).body;
    const path = `/v1/federations/${federationId}`;
    const seen = (await broker.api("GET", path, { token: bank.token })).headers.etag as string;
    const consent = (ifMatch: string) =>
      broker.api("POST", `${path}/consents`, {
        token: bank.token,
        body: { meshId: "bank", decision: "grant" },
        headers: { "if-match": ifMatch },
      });
    await refused("precondition-failed", consent('"other"'));
    await expectStatus(200, consent(seen));
    await refused("precondition-failed", consent(seen));
  });

  it("that a token is used does not make its own revocation stale", async () => {
    const made = await expectStatus(
      201,
      broker.api("POST", "/v1/tokens", { token, body: { name: "t", role: "mesh-viewer", meshes: ["shop"] } }),
    );
    const path = `/v1/tokens/${made.body.tokenId}`;
    const { etag } = (await broker.api("GET", path, { token })).headers;
    await expectStatus(200, broker.api("GET", PATH, { token: made.body.token }));
    await expectStatus(200, broker.api("DELETE", path, { token, headers: { "if-match": etag as string } }));
  });

  it("of many who race with the same ETag one wins each round, and no update is lost", async () => {
    const mesh = await bareMesh(broker, "race");
    const path = "/v1/meshes/race";
    let won = 0;
    for (let round = 0; round < 20; round++) {
      const { etag, "content-type": _type } = (await broker.api("GET", path, { token: mesh.token })).headers;
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          broker.api("PATCH", path, {
            token: mesh.token,
            body: { labels: { [`round-${round}`]: `${index}` } },
            headers: { "if-match": etag as string },
          }),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
      won += 1;
    }
    expect(Object.keys((await broker.api("GET", path, { token: mesh.token })).body.labels)).toHaveLength(won);
  });
});

describe("If-None-Match on reads", () => {
  it.each([PATH, "/v1/meshes", "/v1/trust-domains/shop.example", `${PATH}/authorities`, "/v1/federations"])(
    "%s is 304 without a body while nothing changed",
    async (path) => {
      const first = await expectStatus(200, broker.api("GET", path, { token }));
      const etag = first.headers.etag as string;
      expect(etag).toMatch(/^"[\w-]{43}(\.[\w-]{43})?"$/);
      for (const known of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
        const again = await broker.api("GET", path, { token, headers: { "if-none-match": known } });
        expect([again.status, again.text, again.headers.etag]).toEqual([304, "", etag]);
      }
      const other = await broker.api("GET", path, { token, headers: { "if-none-match": '"other"' } });
      expect([other.status, other.text]).toEqual([200, first.text]);
    },
  );

  it("what another caller reads has an ETag of its own where it shows something else", async () => {
    const mine = await broker.api("GET", "/v1/meshes", { token });
    const theirs = await broker.api("GET", "/v1/meshes", { token: bank.token });
    expect(mine.headers.etag).not.toBe(theirs.headers.etag);
  });
});

describe("every answer to a known caller", () => {
  it("says how much of its rate is left", async () => {
    const { headers } = await read();
    expect(headers["ratelimit-policy"]).toMatch(/^"default";q=\d+;w=\d+$/);
    expect(headers.ratelimit).toMatch(/^"default";r=\d+;t=\d+$/);
    const limited = await runBroker({
      ENTENTE_LIMITS_OPERATOR_REQUESTS_PER_SECOND: "1",
      ENTENTE_LIMITS_OPERATOR_REQUEST_BURST: "3",
    });
    try {
      const ask = () => limited.api("GET", "/v1/meshes", { token: limited.operatorToken });
      const left = [await ask(), await ask(), await ask()].map(({ headers: { ratelimit } }) => `${ratelimit}`);
      expect(left.map((said) => said.split(";")[1])).toEqual(["r=2", "r=1", "r=0"]);
      const { headers: refusedWith } = await refused("too-many-requests", ask());
      expect(Number(refusedWith["retry-after"])).toBeGreaterThan(0);
    } finally {
      await limited.remove();
    }
  });
});
