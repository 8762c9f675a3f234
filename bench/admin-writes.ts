import { randomBytes } from "node:crypto";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { migrate } from "../src/store/migrate.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import { type RunningServer, runServer } from "./running-server.ts";

/** Admin writes over TLS beside bare transactions that write the same rows with the same fsync, in one run. */
const ROUNDS = 5;
const WRITES = 3_200;
/** Until what either runs is compiled: a broker runs for weeks. */
const WARM_UP_ROUNDS = 2;
/** As many as keep the broker busy; a quarter of what may be in flight (L18). */
const CLIENTS = 64;
const TARGET = 0.5;

export async function measureAdminWrites(): Promise<void> {
  const server = await runServer();
  const bare = await bareTransactions(join(server.folder, "bare.db"));
  try {
    const token = await registerMesh(server);
    const seconds = { bare: 0, ours: 0 };
    for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      const took = {
        bare: timed(() => bare.write(WRITES)),
        ours: await timedAsync(() => patches(server, token, round)),
      };
      if (round < 0) continue;
      seconds.bare += took.bare;
      seconds.ours += took.ours;
    }
    const perSecond = (spent: number) => Math.round((ROUNDS * WRITES) / spent);
    console.table({
      "PATCH of a mesh": {
        "bare transactions/s": perSecond(seconds.bare),
        "admin writes/s": perSecond(seconds.ours),
        "ours/bare": `${(seconds.bare / seconds.ours).toFixed(2)} (≥ ${TARGET.toFixed(2)})`,
      },
    });
  } finally {
    bare.close();
    await server.stop();
  }
}

async function registerMesh({ call, operatorToken }: RunningServer): Promise<string> {
  const invited = await call("POST", "/v1/invitations", operatorToken, { trustDomain: "shop.example" });
  const { token } = JSON.parse(invited.body) as { token: string };
  const mesh = { meshId: "shop", trustDomain: "shop.example" };
  return (JSON.parse((await call("POST", "/v1/meshes", token, mesh)).body) as { token: string }).token;
}

async function patches({ call }: RunningServer, token: string, round: number): Promise<void> {
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let write = 0; write < WRITES / CLIENTS; write++) {
        const { status } = await call("PATCH", "/v1/meshes/shop", token, {
          displayName: `${round} ${client} ${write}`,
        });
        if (status !== 200) throw new Error(`a write was answered ${status}`);
      }
    }),
  );
}

/** What one change writes, into the same tables with the same indexes and triggers, and nothing of what it asks. */
async function bareTransactions(path: string) {
  const made = openSqlite(path);
  await migrate(made, "sqlite");
  await made.destroy();
  const db = new BetterSqlite3(path);
  db.pragma("synchronous = full");
  const now = Date.now();
  db.prepare(
    `insert into mesh (mesh_id, display_name, dialect, labels, listed, registered_at, updated_at)
      values ('shop', 'shop', 'other', '{}', 1, ?, ?)`,
  ).run(now, now);
  const statements = {
    head: db.prepare("update log_head set size = size + 1 where id = 1 returning size"),
    mesh: db.prepare("update mesh set display_name = ?, updated_at = ? where mesh_id = 'shop'"),
    event: db.prepare("insert into event (position, type, at, leaf) values (?, 'mesh.updated', ?, ?)"),
    detail: db.prepare("insert into event_detail (position, event_id, actor, detail) values (?, ?, ?, ?)"),
    subject: db.prepare("insert into event_subject (subject, position) values ('mesh/shop', ?)"),
    typed: db.prepare(
      "insert into event_subject_type (subject, type, position) values ('mesh/shop', 'mesh.updated', ?)",
    ),
    span: db.prepare(
      `insert into event_span (span, earliest, latest) values (?, ?, ?)
        on conflict (span) do update set earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)`,
    ),
  };
  const leaf = "l".repeat(250);
  const detail = "d".repeat(500);
  const one = db.transaction((name: string) => {
    const { size } = statements.head.get() as { size: number };
    const at = Date.now();
    statements.mesh.run(name, at);
    statements.event.run(size, at, leaf);
    statements.detail.run(size, `evt_${randomBytes(16).toString("base64url")}`, "tok_0123456789abcdef", detail);
    statements.subject.run(size);
    statements.typed.run(size);
    statements.span.run(Math.floor(size / 1000), at, at);
  });
  return {
    write(times: number) {
      for (let time = 0; time < times; time++) one.immediate(String(time));
    },
    close: () => db.close(),
  };
}

function timed(act: () => void): number {
  const start = performance.now();
  act();
  return (performance.now() - start) / 1000;
}

async function timedAsync(act: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await act();
  return (performance.now() - start) / 1000;
}
