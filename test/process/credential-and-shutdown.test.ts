import { once } from "node:events";
import { request } from "node:https";
import { expect, it } from "vitest";
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

it("a second process on the same data folder exits 78, and the first goes on", async () => {
  const folder = temporaryFolder();
  const broker = await startProcess(folder);
  const second = spawnBroker(folder);
  expect((await second.ended).code).toBe(78);
  expect(second.output()).toContain("another broker runs on this data folder");
  await expectStatus(200, broker.api("GET", "/readyz"));
  await broker.end("SIGTERM");
});
