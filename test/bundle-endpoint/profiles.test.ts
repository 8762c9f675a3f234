import { createHash } from "node:crypto";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pollAsIstiod, pollAsSpire } from "../support/poll.ts";
import { testCa } from "../support/test-ca.ts";
import { brokerCa, type RunningEndpoint, runEndpoint, shopCa } from "./endpoint-fixture.ts";

const POLL = "/p/bank-1/shop.example";

describe("the bundle endpoint over real TLS", () => {
  let running: RunningEndpoint;
  beforeAll(async () => {
    running = await runEndpoint();
  });
  afterAll(() => running.endpoint.close());

  for (const profile of ["spire", "istiod"] as const) {
    it(`serves a peer's bundle to a ${profile} that polls as it really does (R62, R68, R74)`, async () => {
      const { status, headers, body } = await running[profile](POLL);
      expect(status).toBe(200);
      expect(headers["content-type"]).toMatch(/^application\/json/);
      expect(JSON.parse(body)).toMatchObject({ spiffe_sequence: 2, spiffe_refresh_hint: 300 });
      expect(JSON.parse(body).keys[0].x5c).toEqual([shopCa.authority().certificate]);
    });

    it(`serves the broker's own bundle to ${profile} without a credential (R61)`, async () => {
      expect((await running[profile]("/bundle")).status).toBe(200);
    });
  }

  it("is no SVID of anybody else: a wrong SPIFFE ID or another CA's bundle fails (R74)", async () => {
    const { port } = running.endpoint.addresses.spiffe;
    const ca = brokerCa.certificatePem;
    const other = testCa({ trustDomain: "broker.example" }).certificatePem;
    const spiffeId = "spiffe://broker.example/bundle-endpoint";
    await expect(pollAsSpire(port, POLL, { ca, spiffeId: "spiffe://broker.example/other" })).rejects.toThrow(
      "served by",
    );
    await expect(pollAsSpire(port, POLL, { ca: other, spiffeId })).rejects.toThrow();
    await expect(pollAsIstiod(running.endpoint.addresses.web.port, POLL, { ca: other })).rejects.toThrow();
  });

  it("serves each projection with bytes and an ETag of its own, and ignores a query", async () => {
    const answers = await Promise.all(["", "/istio", "/pem"].map((name) => running.spire(`${POLL}${name}?fresh=1`)));
    for (const { status, headers, body } of answers) {
      expect(status).toBe(200);
      expect(headers.etag).toBe(`"${createHash("sha256").update(body).digest("hex")}"`);
    }
    expect(answers[2]?.headers["content-type"]).toBe("application/pem-certificate-chain");
    expect(answers[2]?.body).toContain("BEGIN CERTIFICATE");
  });

  it("marks what is behind a capability URL as private, unindexed and unsniffed, without cookie, CORS or redirect (S34)", async () => {
    const { headers } = await running.spire(POLL);
    expect(headers).toMatchObject({
      "cache-control": "private, no-cache",
      "referrer-policy": "no-referrer",
      "x-robots-tag": "noindex",
      "x-content-type-options": "nosniff",
    });
    for (const name of ["set-cookie", "access-control-allow-origin", "location"])
      expect(headers).not.toHaveProperty(name);
  });

  it("answers HEAD like GET without the body", async () => {
    const [get, head] = await Promise.all([running.spire(POLL), running.spire(POLL, { method: "HEAD" })]);
    expect(head.status).toBe(200);
    expect(head.body).toBe("");
    expect(head.headers["content-length"]).toBe(String(Buffer.byteLength(get.body)));
    expect(head.headers.etag).toBe(get.headers.etag);
  });

  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"]) {
    it(`refuses ${method} with 405 and says what is allowed (S61)`, async () => {
      const { status, headers } =
        method === "CONNECT"
          ? await rawAnswer("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
          : await running.spire(POLL, { method });
      expect(status).toBe(405);
      expect(headers.allow).toBe("GET, HEAD");
    });
  }

  it("refuses a method that HTTP does not know with 405", async () => {
    expect((await rawAnswer("FOO / HTTP/1.1\r\nHost: a\r\n\r\n")).status).toBe(405);
  });

  it("says nothing of a malformed request, least of all its path (S33)", async () => {
    const answer = await rawAnswer("GET /p/s3cret-canary/shop.example HTTP/1.1\r\nbroken header\r\n\r\n");
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain("canary");
    const tooLarge = await rawAnswer(`GET /p/s3cret-canary HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(9000)}\r\n\r\n`);
    expect(tooLarge.status).toBe(431);
  });

  it("gives one 404 for an unknown token, an absent and a forbidden trust domain, and a path of nobody (S32)", async () => {
    const paths = [
      "/p/unknown/shop.example",
      "/p/bank-1/absent.example",
      "/p/bank-1/broker.example",
      "/p/bank-1/shop%2Eexample",
      "/p/bank-1/shop.example/other",
      "/bundles/shop.example",
      "/elsewhere",
    ];
    const answers = await Promise.all(paths.map((path) => running.spire(path)));
    const comparable = answers.map(({ status, headers, body }) => ({
      status,
      body,
      headers: { ...headers, date: "" },
    }));
    expect(new Set(comparable.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.status).toBe(404);
    expect(answers[0]?.headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(answers[0]?.body ?? "")).not.toHaveProperty("keys");
  });

  it("speaks HTTP/1.1 to a client that would rather speak HTTP/2 (S60)", async () => {
    const socket = connect({
      port: running.endpoint.addresses.web.port,
      rejectUnauthorized: false,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    expect(socket.alpnProtocol).toBe("http/1.1");
    socket.destroy();
  });

  it("negotiates no suite, group or version outside Mozilla intermediate (R57, S57)", async () => {
    const attempt = (options: object) =>
      new Promise<string>((resolve) => {
        const socket = connect({ port: running.endpoint.addresses.spiffe.port, rejectUnauthorized: false, ...options });
        socket.once("secureConnect", () => resolve(`${socket.getProtocol()} ${socket.getCipher().name}`));
        socket.once("error", () => resolve("refused"));
      });
    const tls12 = { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" };
    expect(await attempt({})).toBe("TLSv1.3 TLS_AES_128_GCM_SHA256");
    expect(await attempt(tls12)).toBe("TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256");
    expect(await attempt({ ...tls12, ciphers: "ECDHE-ECDSA-AES128-SHA256" })).toBe("refused");
    expect(await attempt({ ...tls12, ciphers: "ECDHE-ECDSA-AES128-CCM" })).toBe("refused");
    expect(await attempt({ ecdhCurve: "secp521r1" })).toBe("refused");
    expect(await attempt({ ecdhCurve: "X25519MLKEM768" })).toBe("TLSv1.3 TLS_AES_128_GCM_SHA256");
    expect(await attempt({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).toBe(
      "refused",
    );
  });

  /** What comes back for bytes that no HTTP client would send. */
  function rawAnswer(request: string): Promise<{ status: number; headers: Record<string, string>; text: string }> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: running.endpoint.addresses.spiffe.port, rejectUnauthorized: false }, () =>
        socket.write(request),
      );
      let text = "";
      socket.setEncoding("latin1").on("data", (part: string) => {
        text += part;
      });
      socket.once("error", reject);
      socket.once("close", () => {
        const [head = ""] = text.split("\r\n\r\n");
        const [line = "", ...fields] = head.split("\r\n");
        const headers = Object.fromEntries(
          fields.map((field) => [field.split(":")[0]?.toLowerCase(), field.split(": ")[1]]),
        );
        resolve({ status: Number(line.split(" ")[1]), headers, text });
      });
    });
  }
});
