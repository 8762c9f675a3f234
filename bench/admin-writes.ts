import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { type RunningServer, runServer } from "./running-server.ts";

/** Admin writes over TLS beside bare transactions that write the same rows with the same fsync, in one run. */
const ROUNDS = 10;
const WRITES = 100;
const CLIENTS = 4;
const TARGET = 0.5;

export async function measureAdminWrites(): Promise<void> {
  const server = await runServer();
  const bare = bareTransactions(join(server.folder, "bare.db"));
  try {
    const token = await registerMesh(server);
    const seconds = { bare: 0, ours: 0 };
    for (let round = -1; round < ROUNDS; round++) {
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

/** The rows of one change: the resource, the log's head, the event, its detail and its subject. */
function bareTransactions(path: string) {
  const db = new BetterSqlite3(path);
  db.pragma("journal_mode = wal");
  db.pragma("synchronous = full");
  db.exec(`create table head (id integer primary key, size integer); insert into head values (1, 0);
    create table mesh (id text primary key, name text); insert into mesh values ('shop', 'shop');
    create table event (position integer primary key, type text, at integer, leaf text);
    create table detail (position integer primary key, detail text);
    create table subject (subject text, position integer, primary key (subject, position));`);
  const statements = {
    head: db.prepare("update head set size = size + 1 where id = 1 returning size"),
    mesh: db.prepare("update mesh set name = ? where id = 'shop'"),
    event: db.prepare("insert into event values (?, 'mesh.updated', ?, ?)"),
    detail: db.prepare("insert into detail values (?, ?)"),
    subject: db.prepare("insert into subject values ('mesh/shop', ?)"),
  };
  const leaf = "l".repeat(250);
  const detail = "d".repeat(500);
  const one = db.transaction((name: string) => {
    const { size } = statements.head.get() as { size: number };
    statements.mesh.run(name);
    statements.event.run(size, Date.now(), leaf);
    statements.detail.run(size, detail);
    statements.subject.run(size);
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
