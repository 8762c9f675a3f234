import { once } from "node:events";
import { request } from "node:https";
import { connect } from "node:tls";
import { expect, it, onTestFinished } from "vitest";
import { spawnBroker, startProcess } from "../support/broker-process.ts";
import { expectStatus } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A request whose head was sent, and of its body one byte; `finish` sends the rest and resolves with the status. */
async function stalled(broker: Awaited<ReturnType<typeof startProcess>>, token: string, path: string, body: object) {
  const payload = JSON.stringify(body);
  const sent = request(new URL(path, broker.addresses.admin), {
    method: "POST",
    ca: broker.adminCa,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": String(payload.length),
    },
  });
  sent.on("error", () => {});
  sent.write(payload[0]);
  await once(sent, "socket").then(() => new Promise((resolve) => setTimeout(resolve, 500)));
  return {
    async finish(): Promise<number | undefined> {
      const answered = once(sent, "response");
      sent.end(payload.slice(1));
      return (await answered)[0].statusCode;
    },
  };
}

it("a credential that was revoked between a request's head and its body changes nothing (S26)", async () => {
  const broker = await startProcess(temporaryFolder());
  const { body } = await expectStatus(
    201,
    broker.api("POST", "/v1/tokens", { token: broker.operatorToken, body: { name: "short-lived", role: "operator" } }),
  );
  const late = await stalled(broker, body.token, "/v1/invitations", { trustDomain: "late.example" });
  await expectStatus(200, broker.api("DELETE", `/v1/tokens/${body.tokenId}`, { token: broker.operatorToken }));
  expect(await late.finish()).toBe(401);
  const { body: listed } = await broker.api("GET", "/v1/invitations", { token: broker.operatorToken });
  expect(listed.invitations).toEqual([]);
  await broker.end("SIGTERM");
});

it("a stalled request does not keep SIGTERM from an orderly end (L7)", async () => {
  const broker = await startProcess(temporaryFolder(), { ENTENTE_SHUTDOWN_GRACE_SECONDS: "1" });
  await stalled(broker, broker.operatorToken, "/v1/invitations", { trustDomain: "stalled.example" });
  expect((await broker.end("SIGTERM")).code).toBe(0);
});

it("all listeners stop accepting together, and a poll that is open has the grace that a stalled request has (L7)", async () => {
  const broker = await startProcess(temporaryFolder(), { ENTENTE_SHUTDOWN_GRACE_SECONDS: "10" });
  const stalling = await stalled(broker, broker.operatorToken, "/v1/invitations", { trustDomain: "late.example" });
  const { port } = new URL(broker.addresses.bundleWeb);
  const poll = connect({ port: Number(port), host: "127.0.0.1", ca: broker.adminCa });
  onTestFinished(() => void poll.destroy());
  poll.on("error", () => {});
  await once(poll, "secureConnect");
  // In one segment: when the first is answered the second is under way.
  const begun = "GET /bundle HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  poll.write(`${begun}\r\n${begun}`);
  await once(poll, "data");

  const ended = broker.end("SIGTERM");
  const isRefused = () =>
    broker.pollSpiffe("/bundle").then(
      () => false,
      () => true,
    );
  while (!(await isRefused()));
  poll.write("\r\n");
  const [answer] = await once(poll, "data");
  expect(String(answer)).toMatch(/^HTTP\/1.1 200 [\s\S]*connection: close/i);
  // What is still changed is served, since the thread ends last.
  expect(await stalling.finish()).toBe(201);
  expect((await ended).code).toBe(0);
});

it("a second process on the same data folder exits 78, and the first goes on", async () => {
  const folder = temporaryFolder();
  const broker = await startProcess(folder);
  const second = spawnBroker(folder);
  expect((await second.ended).code).toBe(78);
  expect(second.output()).toContain("another broker runs on this data folder");
  await expectStatus(200, broker.api("GET", "/readyz"));
  await broker.end("SIGTERM");
});
