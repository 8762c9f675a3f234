import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it, onTestFinished } from "vitest";
import { TEST_POSTGRES_URL } from "../support/postgres-server.ts";
import { expectStatus, runBroker } from "../support/running-broker.ts";
import { UNLIMITED } from "./api-fixture.ts";

/** More than sockets hold between a server and a reader who waits. */
const EVENTS = 40_000;

function appendMany(file: string): void {
  const db = new Database(file);
  const { size } = db.prepare("select size from log_head").get() as { size: number };
  const event = db.prepare("insert into event (position, type, at, leaf) values (?, 'mesh.updated', 0, ?)");
  const detail = db.prepare("insert into event_detail (position, event_id, actor, detail) values (?, ?, 'system', ?)");
  const leaf = JSON.stringify({ subjects: [] });
  const text = JSON.stringify({
    actor: { kind: "broker", id: "system" },
    actingMesh: null,
    outcome: "done",
    fields: { pad: "x".repeat(500) },
  });
  db.transaction(() => {
    for (let position = size + 1; position <= size + EVENTS; position += 1) {
      event.run(position, leaf);
      detail.run(position, `evt_${position}`, text);
    }
    db.prepare("update log_head set size = ?").run(size + EVENTS);
  }).immediate();
  db.close();
}

// What cuts it off is the same for both engines; the events are put into the file.
it.skipIf(TEST_POSTGRES_URL !== undefined)(
  "S26: a token that is revoked while its export is read reads no further",
  async () => {
    const broker = await runBroker(UNLIMITED);
    onTestFinished(() => broker.remove());
    appendMany(join(broker.dataFolder, "entente.db"));
    const token = broker.operatorToken;
    const made = await broker.api("POST", "/v1/tokens", { token, body: { name: "reader", role: "auditor" } });
    const headers = { authorization: `Bearer ${made.body.token}`, accept: "application/x-ndjson" };
    const asked = request(new URL("/v1/audit-events", broker.addresses.admin), { ca: broker.adminCa, headers });
    asked.end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    answer.pause();
    await expectStatus(200, broker.api("DELETE", `/v1/tokens/${made.body.tokenId}`, { token }));
    const errors: unknown[] = [];
    answer.on("error", (error) => errors.push(error)).resume();
    await new Promise((resolve) => answer.once("close", resolve));
    expect(errors).toMatchObject([{ code: "ECONNRESET" }]);
    expect(answer.complete).toBe(false);
  },
);
