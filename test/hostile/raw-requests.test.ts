import { connect as connectTcp } from "node:net";
import { connect } from "node:tls";
import { afterAll, describe, expect, it } from "vitest";
import { UNLIMITED } from "../api/api-fixture.ts";
import { federate, registerMesh, runBroker } from "../support/running-broker.ts";
import { printCounts } from "./counts.ts";
import { rawRequests } from "./raw-requests.ts";

const broker = await runBroker(UNLIMITED);
const shop = await registerMesh(broker, "shop");
const bank = await registerMesh(broker, "bank");
await federate(broker, shop, bank);
const poll = `/p/${bank.pollerToken}/${shop.trustDomain}`;
const counts = { requests: 0, answered: 0, closed: 0 };
afterAll(async () => {
  await broker.remove();
  printCounts("requests that are none, on every listener", counts);
});

const LISTENERS = [
  { name: "the admin API", url: broker.addresses.admin, target: "/livez" },
  { name: "the bundle endpoint, https_spiffe", url: broker.addresses.bundleSpiffe, target: poll },
  { name: "the bundle endpoint, https_web", url: broker.addresses.bundleWeb, target: poll },
];
const portOf = (url: string) => Number(new URL(url).port);

/** Everything that comes back until the server closes; it has to, for a request that it cannot read. */
function exchange(port: number, bytes: string, send: "end" | "write" = "end"): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      socket[send](Buffer.from(bytes, "latin1"));
    });
    socket.setEncoding("latin1").on("data", (part: string) => {
      said += part;
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(said));
  });
}

/** Of the last answer in what was said; its bytes may come in chunks. */
const bodyOf = (said: string): string => /\{.*\}/s.exec(said)?.[0] ?? "null";

describe.each(LISTENERS)("S33, S56, S58, S61: $name", ({ url, target }) => {
  const port = portOf(url);

  it("serves its path to a request that is one", async () => {
    const bytes = `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    expect(await exchange(port, bytes)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each(rawRequests(target))("serves nothing to $name, and repeats nothing of it", async ({ bytes, statuses }) => {
    const said = await exchange(port, bytes);
    counts.requests += 1;
    if (said === "") {
      counts.closed += 1;
      return;
    }
    counts.answered += 1;
    expect(statuses, said).toContain(Number(/^HTTP\/1\.1 (\d{3}) /.exec(said)?.[1]));
    expect(said.match(/HTTP\/1\.1 \d/g), said).toHaveLength(1);
    expect(said).not.toContain(bank.pollerToken);
    expect(JSON.parse(bodyOf(said)), said).toMatchObject({ code: expect.any(String), mend: expect.any(String) });
    expect(said).toMatch(/\r\ncontent-type: application\/problem\+json/i);
    expect(said).toMatch(/\r\nx-content-type-options: nosniff\r\n/i);
    expect(said).toMatch(/\r\ncache-control: /i);
    expect(said).not.toMatch(/"keys"|etc\/passwd|<|\bat \w+ \(/);
  });

  it("S61: tells the methods of a path also where the target is a whole URL", async () => {
    const told = async (at: string) => {
      const said = await exchange(port, `PATCH ${at} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      return [/^HTTP\/1\.1 (\d+) /.exec(said)?.[1], /\r\nallow: (.*)\r\n/i.exec(said)?.[1]];
    };
    expect(await told(target)).toEqual(["405", "GET, HEAD"]);
    expect(await told(`https://localhost${target}`)).toEqual(["405", "GET, HEAD"]);
    expect(await told(`HTTPS://localhost:${port}${target}?x=y`)).toEqual(["405", "GET, HEAD"]);
  });

  it.runIf(url === broker.addresses.admin)(
    "S55: is asked for by the host of a whole URL, where the target is one",
    async () => {
      const ask = (host: string, header: string) =>
        exchange(port, `GET https://${host}/livez HTTP/1.1\r\nHost: ${header}\r\nConnection: close\r\n\r\n`);
      expect(await ask("evil.example", "localhost")).toMatch(/^HTTP\/1\.1 421 /);
      expect(await ask("localhost", "localhost")).toMatch(/^HTTP\/1\.1 200 /);
    },
  );

  it.runIf(url === broker.addresses.admin)(
    "lists, and leads to the next page by its path, where the target is a whole URL",
    async () => {
      const authorization = `Authorization: Bearer ${broker.operatorToken}\r\nConnection: close`;
      for (const origin of [`https://localhost:${port}`, "HTTPS://localhost:99999"]) {
        const target = `${origin}/v1/meshes?limit=1`;
        const said = await exchange(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\n\r\n`);
        expect(said).toMatch(/^HTTP\/1\.1 200 /);
        expect(said).toMatch(/\r\nlink: <\/v1\/meshes\?limit=1&cursor=[\w.-]+>; rel="next"\r\n/i);
      }
    },
  );

  it("serves nothing to who speaks no TLS", async () => {
    const said = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connectTcp({ host: "127.0.0.1", port }, () => socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
      socket.setEncoding("latin1").on("data", (part: string) => {
        text += part;
      });
      socket.on("error", () => {});
      socket.once("close", () => resolve(text));
    });
    expect(said).not.toContain("200");
    counts.requests += 1;
  });

  it("and goes on serving", async () => {
    const { status } = await broker.pollSpiffe(poll);
    expect(status).toBe(200);
    expect((await broker.api("GET", "/livez")).status).toBe(200);
  });
});

it("S58: the admin API takes nothing that was sent behind the last request of a connection", async () => {
  const short = await runBroker({ ...UNLIMITED, ENTENTE_LIMITS_REQUESTS_PER_CONNECTION: "2" });
  try {
    const asked = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(5);
    const said = await exchange(portOf(short.addresses.admin), asked, "write");
    expect(said.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
  } finally {
    await short.remove();
  }
});
