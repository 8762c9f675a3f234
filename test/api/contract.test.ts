import { connect } from "node:tls";
import { afterAll, describe, expect, it } from "vitest";
import { type ApiAnswer, expectStatus, registerMesh, runBroker } from "../support/running-broker.ts";
import { bareMesh, refused, UNLIMITED } from "./api-fixture.ts";

const broker = await runBroker(UNLIMITED);
afterAll(() => broker.remove());
const token = broker.operatorToken;
const INVITATION = '{"trustDomain":"a.example"}';

const post = (raw: string | Buffer, headers: Record<string, string> = {}) =>
  broker.api("POST", "/v1/invitations", { token, raw, headers });

/** What the server says to these bytes, until it closes. */
function sendRaw(text: string): Promise<string> {
  const { hostname, port } = new URL(broker.addresses.admin);
  return new Promise((resolve, reject) => {
    let said = "";
    const socket = connect({ host: hostname, port: Number(port), ca: broker.adminCa }, () => socket.write(text));
    socket.on("data", (chunk) => {
      said += chunk;
    });
    socket.on("close", () => resolve(said));
    socket.on("error", reject);
  });
}

describe("S1, S2, S5: a body is one JSON object in UTF-8, not too large and not encoded", () => {
  it.each([
    ["unsupported-media-type", "another content type", INVITATION, { "content-type": "text/plain" }],
    [
      "unsupported-media-type",
      "a form",
      "trustDomain=a.example",
      { "content-type": "application/x-www-form-urlencoded" },
    ],
    ["unsupported-media-type", "another charset", INVITATION, { "content-type": "application/json; charset=latin1" }],
    ["unsupported-media-type", "an encoded body", INVITATION, { "content-encoding": "gzip" }],
    ["unsupported-media-type", "an identity that is said", INVITATION, { "content-encoding": "identity" }],
    ["body-too-large", "65 KiB", `{"trustDomain":"${"a".repeat(65 * 1024)}"}`, {}],
    ["invalid-json", "no body", "", {}],
    ["invalid-json", "half a body", '{"trustDomain"', {}],
    ["invalid-json", "a byte order mark", `\ufeff${INVITATION}`, {}],
    ["invalid-json", "bytes that are not UTF-8", Buffer.from('{"trustDomain":"\xff"}', "latin1"), {}],
    ["invalid-json", "a prototype", '{"trustDomain":"a.example","__proto__":{}}', {}],
    ["duplicate-member", "a member twice, once unescaped", '{"trustDomain":"a.example","trustDom\\u0061in":"b"}', {}],
    ["too-complex", "arrays 40 deep", `{"trustDomain":${"[".repeat(40)}${"]".repeat(40)}}`, {}],
    ["too-complex", "20,001 values", `{"trustDomain":[${"1,".repeat(20_001)}1]}`, {}],
    ["invalid-request", "an array", "[]", {}],
    ["invalid-request", "null", "null", {}],
    ["invalid-request", "a number for a text", '{"trustDomain":1}', {}],
    ["invalid-request", "a text for a number", '{"trustDomain":"a.example","expiresInSeconds":"60"}', {}],
    [
      "invalid-request",
      "a number beyond every integer",
      '{"trustDomain":"a.example","expiresInSeconds":9007199254740993}',
      {},
    ],
  ] as const)("%s: %s", async (code, _name, raw, headers) => {
    await refused(code, post(raw, headers));
  });

  it.each(["application/json", "application/json; charset=utf-8", 'application/json;charset="UTF-8"'])(
    "takes %s",
    async (type) => {
      await expectStatus(201, post(INVITATION, { "content-type": type }));
    },
  );

  it("S4: asks who it is before it reads the body", async () => {
    for (const raw of ["{", "x".repeat(100_000)])
      await refused("unauthenticated", broker.api("POST", "/v1/invitations", { raw }));
  });
});

async function expectParameter(place: string, name: RegExp, answer: Promise<ApiAnswer>): Promise<void> {
  const { body } = await refused("invalid-request", answer);
  expect(body.parameter).toEqual({ in: place, name: expect.stringMatching(name) });
  expect(body).not.toHaveProperty("pointer");
}

describe("unknown members are refused everywhere, and the pointer names them", () => {
  it.each([
    ["POST", "/v1/invitations", { trustDomain: "a.example" }],
    ["POST", "/v1/meshes", { meshId: "x", trustDomain: "a.example" }],
    ["POST", "/v1/tokens", { name: "x", role: "auditor" }],
    ["POST", "/v1/federations", { proposer: "a", peer: "b" }],
    ["POST", "/v1/federations", { proposer: "a", peer: "b", trust: [{ consumer: "a", provider: "b" }] }],
    ["POST", "/v1/shared-key-allowances", { trustDomains: ["a.example", "b.example"], reason: "x" }],
  ] as const)("%s %s", async (method, path, body) => {
    const { body: problem } = await refused(
      "invalid-request",
      broker.api(method, path, { token, body: { ...body, "a/b~c": 1 } }),
    );
    expect(problem.pointer).toBe("/a~1b~0c");
  });

  it("of a member inside a member too", async () => {
    const body = { proposer: "a", peer: "b", trust: [{ consumer: "a", provider: "b", extra: 1 }] };
    const { body: problem } = await refused("invalid-request", broker.api("POST", "/v1/federations", { token, body }));
    expect(problem.pointer).toBe("/trust/0/extra");
  });

  it("of a query too, also where an operation takes none", async () => {
    for (const path of ["/v1/meshes?limits=1", "/v1/trust-domains/broker.example?verbose=true", "/metrics?x=1"])
      await expectParameter("query", /^(?:limits|verbose|x)$/, broker.api("GET", path, { token }));
    const { meshId, token: own } = await bareMesh(broker, "queried");
    const path = `/v1/meshes/${meshId}`;
    await expectParameter("query", /^withdrw$/, broker.api("DELETE", `${path}?withdrw=true`, { token }));
    await expectParameter("query", /^dryrun$/, broker.api("PATCH", `${path}?dryrun=true`, { token: own, body: {} }));
    await expectParameter("query", /^a\/b~c$/, broker.api("GET", `${path}?a/b~c`, { token }));
  });

  it("of a parameter it is said which, and in which part of the request, and never with a pointer", async () => {
    const headers = { "idempotency-key": "not a key" };
    const body = { trustDomain: "a.example" };
    await expectParameter(
      "header",
      /^idempotency-key$/,
      broker.api("POST", "/v1/invitations", { token, body, headers }),
    );
    await expectParameter("path", /^position$/, broker.api("GET", `/v1/audit-events/${"1".repeat(30)}`, { token }));
    await expectParameter(
      "query",
      /^from$/,
      broker.api("GET", "/v1/audit-events?from=2026-12-31T23:59:60Z", { token }),
    );
    const cursor = await refused("invalid-cursor", broker.api("GET", "/v1/audit-events?cursor=x", { token }));
    expect(cursor.body.parameter).toEqual({ in: "query", name: "cursor" });
  });

  it.each(["limit=0", "limit=1001", "limit=x", "limit=1.5", "limit=", "limit=1&limit=2", "order=up"])(
    "a query's values are held to their schema: %s",
    async (query) => {
      await refused("invalid-request", broker.api("GET", `/v1/audit-events?${query}`, { token }));
    },
  );

  it("a refusal says what is known, and how much is too much", async () => {
    const detailOf = async (path: string) =>
      (await refused("invalid-request", broker.api("GET", path, { token }))).body.detail;
    expect(await detailOf("/v1/meshes?dryrun=true")).toBe('"dryrun" is none of limit, cursor, labelSelector');
    expect(await detailOf("/v1/trust-domains/broker.example?dryrun=true")).toBe(
      '"dryrun" is none of what is taken here: nothing is',
    );
    for (const limit of ["99999999999999999999", "1.5", "0x10", "x"])
      expect(await detailOf(`/v1/meshes?limit=${limit}`)).toBe("must be an integer from 1 to 1000");
    expect(await detailOf("/v1/meshes?limit=1001")).toBe("must be <= 1000");
    const body = { trustDomain: "a.example", expires: 1 };
    const unknown = await refused("invalid-request", broker.api("POST", "/v1/invitations", { token, body }));
    expect(unknown.body.detail).toBe('"expires" is none of trustDomain, meshId, expiresInSeconds');
    const huge = await refused("invalid-json", post('{"trustDomain":1e400}'));
    expect(huge.body).toMatchObject({ detail: "The number 1e400 is beyond every double", pointer: "/trustDomain" });
  });

  it("probes may add what they like to the health paths", async () => {
    expect((await broker.api("GET", "/livez?verbose=1")).status).toBe(200);
  });
});

describe("methods and paths", () => {
  it.each([
    ["TRACE", "/v1/meshes", "GET, HEAD, POST"],
    ["QUERY", "/v1/meshes", "GET, HEAD, POST"],
    ["PUT", "/v1/meshes/shop", "DELETE, GET, HEAD, PATCH"],
    ["DELETE", "/v1/audit-events", "GET, HEAD"],
    ["OPTIONS", "/v1/tokens", "GET, HEAD, POST"],
    ["PURGE", "/livez", "GET, HEAD"],
    ["GET", "/v1/federations/x/consents", "POST"],
    ["HEAD", "/v1/federations/x/consents", "POST"],
  ])("S61: %s %s is 405 with Allow: %s", async (method, path, allow) => {
    const found = await broker.api(method, path, { token });
    expect([found.status, found.headers.allow]).toEqual([405, allow]);
    if (method !== "HEAD") expect(found.body.code).toBe("method-not-allowed");
  });

  it("HEAD is GET without its body", async () => {
    const got = await broker.api("GET", "/v1/directory", { token });
    const head = await broker.api("HEAD", "/v1/directory", { token });
    expect([head.status, head.text, head.headers["content-length"]]).toEqual([200, "", got.headers["content-length"]]);
  });

  it.each([
    "/",
    "/v1",
    "/v1/nothing",
    "/v1/meshes/",
    "/V1/meshes",
    "/v1//meshes",
    "/v1/%zz",
    "/v1/meshes/%c3%28",
    "/../etc",
  ])("%s is not found", async (path) => {
    await refused("not-found", broker.api("GET", path, { token }));
  });

  it("S33, S56: what is no request at all is told so in a problem of its own, and not repeated", async () => {
    for (const [text, status, code] of [
      ["SECRET /v1/meshes HTTP/1.1\r\nhost: x\r\n\r\n", 405, "method-not-allowed"],
      ["CONNECT secret:443 HTTP/1.1\r\nhost: x\r\n\r\n", 405, "method-not-allowed"],
      [`GET /secret HTTP/1.1\r\nhost: x\r\nsecret: ${"x".repeat(10_000)}\r\n\r\n`, 431, "headers-too-large"],
      ["secret\r\n", 400, "malformed-request"],
      ["secret", 400, "malformed-request"],
      ["GET /secret HTTP/1.1\r\nhost : x\r\n\r\n", 400, "malformed-request"],
      [
        "POST /secret HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        400,
        "malformed-request",
      ],
    ] as const) {
      const [head = "", body = ""] = (await sendRaw(text)).split("\r\n\r\n");
      expect(head).toContain(`HTTP/1.1 ${status} `);
      expect(head).toMatch(/content-type: application\/problem\+json/i);
      if (status === 405) expect(head).toMatch(/\r\nallow: /i);
      expect(JSON.parse(body)).toMatchObject({ code, status, requestId: expect.stringMatching(/^req_/) });
      expect(head + body).not.toMatch(/secret/i);
    }
    expect(broker.log()).not.toContain("/secret");
  });
});

describe("RFC 9110, 5.3: what a request says once", () => {
  const twice = (name: string, one: string, other: string) =>
    sendRaw(`GET /v1/tokens HTTP/1.1\r\nHost: localhost\r\n${name}: ${one}\r\n${name}: ${other}\r\n\r\n`);

  it.each([
    ["Authorization", `Bearer ${token}`, "Bearer another"],
    ["Authorization", "Bearer another", `Bearer ${token}`],
    ["Content-Type", "application/json", "text/plain"],
    ["Idempotency-Key", "one", "two"],
    ["Host", "localhost", "localhost"],
  ])("is refused where it is said twice: %s", async (name, one, other) => {
    const said = await twice(name, one, other);
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    expect(said).toContain(`"detail":"a request has one ${name.toLowerCase()} header"`.replace("host", "Host"));
    expect(said).not.toContain(token);
  });

  it("and what is a list may come in parts", async () => {
    expect(await twice("If-None-Match", '"a"', '"b"\r\nConnection: close')).toContain('"code":"unauthenticated"');
  });
});

describe("answers", () => {
  it("S56: a request ID is the broker's own, whatever the caller calls it, and is in the log", async () => {
    const headers = { "x-request-id": "mine", "request-id": "mine", traceparent: "mine" };
    const { body, text } = await refused("not-found", broker.api("GET", "/v1/meshes/absent", { token, headers }));
    expect(text).not.toContain("mine");
    const lines = broker.log().split("\n");
    expect(lines.filter((line) => line.includes(body.requestId)).map((line) => JSON.parse(line))).toMatchObject([
      { operation: "readMesh", status: 404, source: "127.0.0.1" },
    ]);
  });

  it("are neither cached nor sniffed, also where they refuse", async () => {
    for (const path of ["/v1/meshes", "/v1/meshes/absent", "/v1/%zz", "/livez", "/nothing"]) {
      const { headers } = await broker.api("GET", path, { token });
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      });
    }
  });

  it("a create answers 201 with a Location that reads what was made, but its secret", async () => {
    const mesh = await registerMesh(broker, "maker");
    const partner = await bareMesh(broker, "maker-2");
    const creations: [string, string, object, string?][] = [
      ["/v1/invitations", token, { trustDomain: "b.example" }],
      ["/v1/meshes", token, { meshId: "made", trustDomain: "made.example" }],
      ["/v1/tokens", mesh.token, { name: "x", role: "mesh-viewer", meshes: ["maker"] }],
      ["/v1/meshes/maker/pollers", mesh.token, { name: "second" }],
      ["/v1/federations", mesh.token, { proposer: "maker", peer: partner.meshId }],
      ["/v1/shared-key-allowances", token, { trustDomains: ["a.example", "b.example"], reason: "x" }],
    ];
    for (const [path, bearer, body] of creations) {
      const made = await expectStatus(201, broker.api("POST", path, { token: bearer, body }));
      const { token: _secret, urls: _urls, ...rest } = made.body;
      const read = await expectStatus(200, broker.api("GET", String(made.headers.location), { token: bearer }));
      expect(read.body).toEqual(rest);
    }
  });

  it("/livez and /readyz need no credential; /metrics is for operators and auditors", async () => {
    expect((await broker.api("GET", "/livez")).body).toEqual({ status: "ok" });
    expect((await broker.api("GET", "/readyz")).body).toEqual({ status: "ok" });
    await refused("unauthenticated", broker.api("GET", "/metrics"));
    const { headers, text } = await expectStatus(200, broker.api("GET", "/metrics", { token }));
    expect(headers["content-type"]).toMatch(/^text\/plain/);
    for (const metric of [
      "entente_log_size",
      "entente_read_your_writes_timeouts_total",
      "entente_pollers_expiring",
      "entente_data_free_ratio",
    ])
      expect(text).toMatch(new RegExp(`^${metric}(\\{[^}]*\\})? \\d`, "m"));
  });
});

describe("lists", () => {
  async function pages(path: string, plural: string, limit: number): Promise<unknown[][]> {
    const found: unknown[][] = [];
    for (let cursor = ""; ; ) {
      const { body }: ApiAnswer = await expectStatus(
        200,
        broker.api("GET", `${path}?limit=${limit}${cursor}`, { token }),
      );
      expect(Object.keys(body).filter((name) => name !== "next")).toEqual([plural]);
      found.push(body[plural]);
      if (body.next === undefined) return found;
      cursor = `&cursor=${body.next}`;
    }
  }

  it("are {<plural>, next?}, page by page the same as whole, with nothing twice while others are added", async () => {
    for (const name of ["b", "d", "f", "h"]) await bareMesh(broker, `list-${name}`);
    for (const [path, plural] of [
      ["/v1/meshes", "meshes"],
      ["/v1/directory", "meshes"],
      ["/v1/trust-domains", "trustDomains"],
      ["/v1/tokens", "tokens"],
      ["/v1/invitations", "invitations"],
      ["/v1/federations", "federations"],
      ["/v1/shared-key-allowances", "sharedKeyAllowances"],
    ] as const) {
      const paged = await pages(path, plural, 2);
      for (const page of paged.slice(0, -1)) expect(page).toHaveLength(2);
      const ids = (items: unknown[]) => items.map((item) => Object.values(item as object)[0]);
      expect(ids(paged.flat())).toEqual(ids((await pages(path, plural, 1_000)).flat()));
    }
    const { body: first } = await broker.api("GET", "/v1/meshes?limit=3", { token });
    const last = first.meshes.at(-1).meshId;
    await bareMesh(broker, "a-newcomer");
    const { body: second } = await broker.api("GET", `/v1/meshes?limit=3&cursor=${first.next}`, { token });
    for (const { meshId } of second.meshes) expect(meshId > last).toBe(true);
  });

  it("an empty list says so, and a cursor that no list gave is refused", async () => {
    const { token: lonely } = await bareMesh(broker, "lonely");
    expect((await broker.api("GET", "/v1/federations", { token: lonely })).text).toBe('{"federations":[]}');
    for (const cursor of ["x", "W10", "bnVsbA", Buffer.from('[{"a":1}]').toString("base64url"), "W251bGxd"])
      await refused("invalid-cursor", broker.api("GET", `/v1/meshes?cursor=${cursor}`, { token }));
    for (const cursor of ["WyJhIl0", "W251bGxd"])
      await refused("invalid-cursor", broker.api("GET", `/v1/audit-events?cursor=${cursor}`, { token }));
  });
});
