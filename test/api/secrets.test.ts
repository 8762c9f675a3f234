import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { describe, expect, it } from "vitest";
import { ON_SQLITE } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { testKey } from "../support/test-keys.ts";
import { bareMesh, events, invite, refused, UNLIMITED } from "./api-fixture.ts";

/** What of a secret must not be found anywhere: enough of it to be of use to somebody. */
const canaryOf = (secret: string): string => /^ent_\w+?_\w{22}_(\w{43})_/.exec(secret)?.[1] ?? secret;

/** The base64 of each private key that lies in the clear in the data folder, where it belongs. */
function keysIn(folder: string): [string, string][] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.flatMap(({ name, parentPath }) => {
    const pem = /-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n(\S+)/.exec(readFileSync(join(parentPath, name), "latin1"));
    return pem?.[1] === undefined ? [] : [[`the private key in ${name}`, pem[1]] as [string, string]];
  });
}

/** Sends bytes that are no request, and waits until the server has closed. */
const sendNonsense = (url: string, bytes: string): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ port: Number(new URL(url).port), rejectUnauthorized: false }, () => socket.end(bytes));
    socket.on("error", () => {}).resume();
    socket.once("close", () => resolve());
  });

describe("S24, S33, S53, S69: no secret is where it should not be", () => {
  it("after a whole walk neither log, database, answers, metrics nor events hold a token, an invitation, a poller's token or a private key", async () => {
    const broker = await runBroker({ ...UNLIMITED, ...ON_SQLITE });
    const operator = broker.operatorToken;
    const secrets = new Map([["the operator's token", operator]]);
    const answers: string[] = [];
    const asked: typeof broker.api = async (method, path, call) => {
      const answer = await broker.api(method, path, call);
      answers.push(answer.text);
      return answer;
    };

    const shop = await registerMesh(broker, "shop");
    const bank = await registerMesh(broker, "bank");
    for (const mesh of [shop, bank]) {
      secrets.set(`the admin of ${mesh.meshId}`, mesh.token);
      secrets.set(`the poller of ${mesh.meshId}`, mesh.pollerToken);
    }
    const open = (await invite(broker, { trustDomain: "open.example" })).body.token;
    const spent = (await invite(broker, { trustDomain: "spent.example" })).body.token;
    secrets.set("an open invitation", open).set("a spent invitation", spent);
    const guest = await expectStatus(
      201,
      broker.api("POST", "/v1/meshes", { token: spent, body: { meshId: "guest", trustDomain: "spent.example" } }),
    );
    secrets.set("the token that an invitation brought", guest.body.token);
    const made = await expectStatus(
      201,
      broker.api("POST", "/v1/tokens", {
        token: shop.token,
        body: { name: "v", role: "mesh-viewer", meshes: ["shop"] },
      }),
    );
    secrets.set("a viewer's token", made.body.token);
    await federate(broker, shop, bank);
    const code = await expectStatus(
      201,
      broker.api("POST", "/v1/meshes/shop/federation-codes", { token: shop.token, body: {} }),
    );
    secrets.set("a federation code", code.body.code);
    const key = testKey("p256");
    secrets.set("a private key's scalar", String(key.export({ format: "jwk" }).d));
    const keyPem = key.export({ format: "pem", type: "pkcs8" }) as string;
    secrets.set("a private key's PEM", keyPem.split("\n")[1] as string);

    for (const [name, base64] of keysIn(broker.dataFolder)) secrets.set(name, base64);
    // What its owner uses, where it is to be used.
    for (const { pollerToken, trustDomain } of [
      { pollerToken: shop.pollerToken, trustDomain: bank.trustDomain },
      { pollerToken: bank.pollerToken, trustDomain: shop.trustDomain },
    ]) {
      for (const projection of ["", "/istio", "/pem"]) {
        for (const poll of [broker.pollWeb, broker.pollSpiffe]) {
          const { status, body, headers } = await poll(`/p/${pollerToken}/${trustDomain}${projection}?at=1`);
          expect(status).toBe(200);
          answers.push(body + JSON.stringify(headers));
        }
      }
    }

    // Each secret where it belongs and where it does not: path, query, body, wrong header, wrong listener.
    await refused(
      "private-key-submitted",
      asked("POST", "/v1/meshes/shop/authorities", { token: shop.token, body: { pem: keyPem } }),
    );
    const jwk = { ...key.export({ format: "jwk" }), kid: "k" };
    await refused(
      "private-key-submitted",
      asked("POST", "/v1/meshes/shop/authorities", { token: shop.token, body: { jwk } }),
    );
    for (const secret of secrets.values()) {
      const inPath = encodeURIComponent(secret);
      await asked("GET", `/v1/tokens/${inPath}`, { token: operator });
      await asked("GET", `/v1/meshes/${inPath}`, { token: shop.token });
      await asked("GET", `/${inPath}/%zz`, { token: shop.token });
      await asked("PUT", `/v1/meshes/${inPath}`, { token: shop.token });
      await asked("GET", `/v1/meshes?access_token=${inPath}`, { token: shop.token });
      await asked("GET", "/v1/meshes", { token: secret.slice(0, -1) });
      await asked("GET", "/v1/meshes", { headers: { cookie: `token=${inPath}`, "x-request-id": inPath } });
      await asked("POST", "/v1/tokens", { token: shop.token, body: { token: secret } });
      // Who sends it is told of its own member; nobody else is.
      for (const raw of [`{"${inPath}":1,"${inPath}":2}`, `{"name":"${inPath}",`, `{"labels":{"${inPath}":7}}`])
        await broker.api("PATCH", "/v1/meshes/shop", { token: shop.token, raw });
      const headers = { referer: `https://a/p/${inPath}`, "user-agent": inPath, "if-none-match": `"${inPath}"` };
      for (const poll of [broker.pollWeb, broker.pollSpiffe]) {
        const { body, headers: said } = await poll("/bundle", { headers });
        answers.push(body + JSON.stringify(said));
      }
      for (const listener of [broker.addresses.admin, broker.addresses.bundleSpiffe, broker.addresses.bundleWeb]) {
        await sendNonsense(listener, `GET /p/${inPath}/shop.example HTTP/1.1\r\nHost: a\r\n${inPath}\r\n\r\n`);
        await sendNonsense(listener, `GET /p/${inPath} HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(9_000)}\r\n\r\n`);
      }
      for (const path of [`/p/${inPath}/shop.example`, `/p/${inPath}/absent.example`, `/bundles/${inPath}`]) {
        for (const { body, headers } of [await broker.pollWeb(path), await broker.pollSpiffe(path)])
          answers.push(body + JSON.stringify(headers));
      }
    }
    for (const path of [
      "/v1/tokens",
      "/v1/invitations",
      "/v1/meshes/shop/pollers",
      "/v1/meshes/shop/deliveries",
      "/v1/audit-events?limit=1000",
    ])
      await asked("GET", path, { token: path.includes("invitations") ? operator : shop.token });
    await expectStatus(200, asked("DELETE", `/v1/tokens/${made.body.tokenId}`, { token: shop.token }));
    await expectStatus(200, asked("DELETE", `/v1/meshes/shop/pollers/${shop.pollerId}`, { token: shop.token }));
    await bareMesh(broker, "last");
    const metrics = (await asked("GET", "/metrics", { token: operator })).text;
    const told = JSON.stringify(await events(broker, "limit=1000"));
    expect(told.length).toBeGreaterThan(10_000);
    await broker.close();

    const database = readdirSync(broker.dataFolder)
      .filter((name) => name.startsWith("entente.db"))
      .map((name) => readFileSync(join(broker.dataFolder, name), "latin1"))
      .join("");
    expect(database).toContain("shop.example");
    expect(broker.log()).toContain('"operation":"readToken"');
    const places = { log: broker.log(), database, answers: answers.join("\n"), metrics, events: told };
    const found = [...secrets].flatMap(([name, secret]) =>
      Object.entries(places)
        .filter(([, text]) => text.includes(canaryOf(secret)))
        .map(([place]) => `${name} in the ${place}`),
    );
    expect(found).toEqual([]);
    await broker.remove();
  });
});
