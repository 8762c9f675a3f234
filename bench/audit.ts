import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Scope } from "../src/features/access/role.ts";
import { eventsInBatches } from "../src/features/audit/audit.service.ts";
import { type EventFilter, listEvents } from "../src/features/audit/audit.store.ts";
import { asSeenBy } from "../src/features/audit/audit.ts";
import { lineOf } from "../src/features/audit/audit-export.ts";
import { parseMeshId } from "../src/features/meshes/mesh-id.ts";
import type { Database } from "../src/store/tables.ts";
import { SECOND_MS } from "../src/time.ts";
import { BEGAN, BUSY_MESH, logOf, ONE_OF_MANY, QUIET_MESH } from "./audit-log.ts";

/** How long the audit trail's queries take as the log grows a hundredfold, and what streaming all of it holds. */
const FEW = 10_000;
const MANY = 1_000_000;
const ROUNDS = 12;
const PAGE = 100;
/** Ten times as long for a log a hundred times as long would be a scan in disguise. */
const GROWTH_TARGET = 3;

const all: Scope = { all: true };
const only = (...meshes: readonly string[]): Scope => ({ all: false, meshes: meshes.map((id) => parseMeshId(id)) });
const about = (meshId: string): EventFilter => ({ subjects: [`mesh/${meshId}`] });
const none: EventFilter = { subjects: [] };

interface Question {
  readonly scope: Scope;
  filter(size: number): EventFilter;
}

const timeOf = (size: number, share: number) => BEGAN + Math.floor(size * share) * SECOND_MS;
const between =
  (from: number, to: number, more: Partial<EventFilter> = {}) =>
  (size: number): EventFilter => ({ ...none, ...more, from: timeOf(size, from), to: timeOf(size, to) });

const QUESTIONS: Readonly<Record<string, Question>> = {
  "no filter": { scope: all, filter: () => none },
  "mesh, one of many": { scope: all, filter: () => about(ONE_OF_MANY) },
  "mesh, half of all": { scope: all, filter: () => about(BUSY_MESH) },
  "mesh, quiet since": { scope: all, filter: () => about(QUIET_MESH) },
  "type, common": { scope: all, filter: () => ({ ...none, type: "bundle.revised" }) },
  "type, rare": { scope: all, filter: () => ({ ...none, type: "mesh.suspended" }) },
  "type, never": { scope: all, filter: () => ({ ...none, type: "mesh.deleted" }) },
  "actor, one of many": { scope: all, filter: () => ({ ...none, actor: `tok_${ONE_OF_MANY}` }) },
  "actor, quiet since": { scope: all, filter: () => ({ ...none, actor: `tok_${QUIET_MESH}` }) },
  "from and to, in the middle": { scope: all, filter: between(0.5, 0.51) },
  "from and to, at the beginning": { scope: all, filter: between(0, 0.01) },
  "from and to, before it": { scope: all, filter: between(-0.2, -0.1) },
  "from, most of it": { scope: all, filter: (size) => ({ ...none, from: timeOf(size, 0.1) }) },
  "to, most of it": { scope: all, filter: (size) => ({ ...none, to: timeOf(size, 0.9) }) },
  "mesh and type": { scope: all, filter: () => ({ ...about(BUSY_MESH), type: "mesh.suspended" }) },
  "mesh, type, from and to": {
    scope: all,
    filter: between(0.5, 0.51, { ...about(BUSY_MESH), type: "bundle.revised" }),
  },
  "a mesh's own": { scope: only(ONE_OF_MANY), filter: () => none },
  "a quiet mesh's own": { scope: only(QUIET_MESH), filter: () => none },
  "three meshes' own": { scope: only(QUIET_MESH, ONE_OF_MANY, BUSY_MESH), filter: () => none },
  "a mesh's own, type": { scope: only(BUSY_MESH), filter: () => ({ ...none, type: "mesh.suspended" }) },
};

export async function measureAudit(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "entente-bench-"));
  try {
    const few = await logOf(FEW, folder);
    const many = await logOf(MANY, folder);
    const rows: [string, object][] = [];
    for (const [name, question] of Object.entries(QUESTIONS))
      for (const order of ["desc", "asc"] as const)
        for (const deep of [false, true])
          rows.push(await measure(`${name}, ${order}${deep ? ", deep" : ""}`, question, order, deep, few, many));
    console.table(Object.fromEntries(rows));
    console.table(await measureStream(few, many));
    await few.destroy();
    await many.destroy();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(
  name: string,
  { scope, filter }: Question,
  order: "asc" | "desc",
  deep: boolean,
  few: Database,
  many: Database,
): Promise<[string, object]> {
  const ask = async (db: Database, size: number) => {
    const after = deep ? Math.floor(size / 2) : undefined;
    const start = performance.now();
    const found = await listEvents(db, scope, filter(size), { order, after, limit: PAGE });
    return { ms: performance.now() - start, found: found.length };
  };
  const times: { few: number[]; many: number[] } = { few: [], many: [] };
  let found = 0;
  for (let round = -1; round < ROUNDS; round++) {
    const [a, b] = [await ask(few, FEW), await ask(many, MANY)];
    found = b.found;
    if (round < 0) continue;
    times.few.push(a.ms);
    times.many.push(b.ms);
  }
  // The quickest of many: what else the machine does only adds.
  const [fewMs, manyMs] = [Math.min(...times.few), Math.min(...times.many)];
  const growth = manyMs / fewMs;
  const row = {
    found,
    "10,000 ms": fewMs.toFixed(2),
    "1,000,000 ms": manyMs.toFixed(2),
    growth: `${growth.toFixed(1)}${growth > GROWTH_TARGET ? ` (≤ ${GROWTH_TARGET} missed)` : ""}`,
  };
  return [name, row];
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
/** Batches between two looks at what is held. */
const LOOK_EVERY = 20;

/** What is held, garbage aside, while all of the log goes by, above what was held before. */
async function measureStream(few: Database, many: Database): Promise<Record<string, object>> {
  const rows: Record<string, object> = {};
  for (const [name, db] of [["10,000", few] as const, ["1,000,000", many] as const]) {
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    let [most, written, events, batches] = [0, 0, 0, 0];
    for await (const batch of eventsInBatches(db, all, none, { order: "asc", after: undefined })) {
      for (const event of batch) written += lineOf["text/csv"](asSeenBy(all, event)).length;
      events += batch.length;
      if (batches++ % LOOK_EVERY !== 0) continue;
      collectGarbage();
      most = Math.max(most, process.memoryUsage().heapUsed - before);
    }
    const seconds = (performance.now() - start) / 1000;
    rows[`CSV of ${name}`] = {
      MiB: (written / 2 ** 20).toFixed(1),
      "held at most, MiB": (most / 2 ** 20).toFixed(2),
      "events/s": Math.round(events / seconds),
    };
  }
  return rows;
}
