import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { expect, it, onTestFinished } from "vitest";
import { ON_SQLITE } from "../support/postgres-server.ts";
import { type RawConnection, rawConnection } from "../support/raw-connection.ts";
import { federate, registerMesh, runBroker, type TestBroker } from "../support/running-broker.ts";

const head = (request: string, ...headers: string[]) =>
  `${[`${request} HTTP/1.1`, "Host: 127.0.0.1", ...headers].join("\r\n")}\r\n`;

async function federated(env: Record<string, string>) {
  const broker = await runBroker({ ...ON_SQLITE, ...env });
  onTestFinished(() => broker.remove());
  const bank = await registerMesh(broker, "bank");
  const shop = await registerMesh(broker, "shop");
  await federate(broker, bank, shop);
  return { broker, poll: head(`GET /p/${bank.pollerToken}/${shop.trustDomain}`) };
}

/** A change whose body does not come; `finish` sends it. */
async function stalledChange({ addresses, operatorToken }: TestBroker) {
  const connection = await rawConnection(addresses.admin);
  const body = JSON.stringify({ trustDomain: "late.example" });
  const headers = [`Authorization: Bearer ${operatorToken}`, "Content-Type: application/json"];
  const length = [`Content-Length: ${body.length}`, "Expect: 100-continue"];
  connection.socket.write(`${head("POST /v1/invitations", ...headers, ...length)}\r\n`);
  await connection.until("100 Continue\r\n\r\n");
  return { ...connection, finish: () => connection.socket.write(body) };
}

/** On a kept connection, one that has begun and is only ended by `finish`. */
async function stalledPoll(url: string, poll: string) {
  const connection = await rawConnection(url);
  // One segment: once the first is answered the server has begun to read the second.
  connection.socket.write(`${poll}\r\n${poll}`);
  await connection.until("}");
  return { ...connection, finish: () => connection.socket.write("\r\n") };
}

/** A connection on which a poll was answered and nothing is asked any more. */
async function idle(url: string, poll: string): Promise<RawConnection> {
  const connection = await rawConnection(url);
  connection.socket.write(`${poll}\r\n`);
  expect((await connection.until("}")).toLowerCase()).toContain("\r\nconnection: keep-alive\r\n");
  return connection;
}

async function untilRefused(url: string): Promise<void> {
  for (;;) {
    try {
      (await rawConnection(url)).socket.destroy();
    } catch {
      return;
    }
  }
}

it("L7: while a stalled request of the admin API holds up the stop, no listener accepts, and what is open is served to its end", async () => {
  const { broker, poll } = await federated({
    ENTENTE_SHUTDOWN_GRACE_SECONDS: "600",
    ENTENTE_READ_YOUR_WRITES_TIMEOUT_MS: "60000",
    ENTENTE_DELIVERY_BATCH_MS: "60000",
  });
  const { addresses, dataFolder } = broker;
  const change = await stalledChange(broker);
  const listeners = [addresses.bundleSpiffe, addresses.bundleWeb];
  const begun = await Promise.all(listeners.map((url) => stalledPoll(url, poll)));
  const idling = await Promise.all(listeners.map((url) => idle(url, poll)));

  const stopped = broker.close();
  await Promise.all([...listeners, addresses.admin].map(untilRefused));
  for (const { closed } of idling) await closed;
  for (const { closed, finish } of begun) {
    finish();
    const [, , second = ""] = (await closed).toLowerCase().split("http/1.1 200 ");
    expect(second).toContain("\r\nconnection: close\r\n");
  }
  // Nothing of the bundle endpoint is open any more; its thread still serves what the change makes.
  change.finish();
  const made = await change.closed;
  expect(made).toMatch(/\r\n\r\nHTTP\/1\.1 201 /);
  expect(made.toLowerCase()).toContain("\r\nconnection: close\r\n");
  await stopped;
  expect(broker.log()).not.toContain('"level":50');

  const db = new BetterSqlite3(join(dataFolder, "entente.db"), { readonly: true });
  onTestFinished(() => void db.close());
  expect(db.prepare("select count(*) from delivery").pluck().get()).toBe(1);
});

it("L7: what stalls on either side has the same grace, and holds up nothing after it", async () => {
  const { broker, poll } = await federated({ ENTENTE_SHUTDOWN_GRACE_SECONDS: "1" });
  const { bundleSpiffe, bundleWeb } = broker.addresses;
  const stalled = [
    await stalledChange(broker),
    await stalledPoll(bundleSpiffe, poll),
    await stalledPoll(bundleWeb, poll),
  ];
  await Promise.all([broker.close(), ...stalled.map(({ closed }) => closed)]);
  expect(broker.log()).not.toContain("it stops without");
});
