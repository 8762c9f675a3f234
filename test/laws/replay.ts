import { createHash } from "node:crypto";
import { expect } from "vitest";
import { listEvents, type StoredEvent } from "../../src/features/audit/audit.store.ts";
import type { Database } from "../../src/store/tables.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const idOf = (event: StoredEvent, kind: string): string =>
  event.subjects.find((subject) => subject.startsWith(`${kind}/`))?.slice(kind.length + 1) ?? "";

/** Whoever replays the log arrives at the state: nothing changed without its event, and no event without its change. */
export async function checkEventsAgreeWithState(db: Database): Promise<void> {
  const events = await listEvents(db, { all: true }, { subjects: [] }, { order: "asc", after: 0, limit: 100_000 });
  expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
  for (const { leaf, position, type } of events) expect(JSON.parse(leaf)).toMatchObject({ position, type });
  const details = await db.selectFrom("event_detail").select(["position", "detail"]).orderBy("position").execute();
  expect(details.map(({ detail }) => sha256(detail))).toEqual(
    events.map(({ leaf }) => (JSON.parse(leaf) as { detailDigest: string }).detailDigest),
  );

  const revisions = await db.selectFrom("revision").select(["position", "trust_domain"]).orderBy("position").execute();
  const revised = events.filter(({ type }) => type === "bundle.revised");
  expect(revised.map((event) => ({ position: event.position, trust_domain: idOf(event, "trust-domain") }))).toEqual(
    revisions,
  );
  await checkAccesses(db, events);
  await checkLives(db, events);
}

async function checkAccesses(db: Database, events: readonly StoredEvent[]): Promise<void> {
  const told = new Map<string, { state: string; position: number }>();
  for (const event of events) {
    const [kind, change] = event.type.split(".");
    if (kind !== "bundle-access") continue;
    const pair = `${idOf(event, "mesh")} ${idOf(event, "trust-domain")}`;
    if (change === "granted") told.set(pair, { state: "granted", position: 0 });
    if (change === "regranted") told.set(pair, { state: "granted", position: event.position });
    if (change === "withdrawn") told.set(pair, { state: "withdrawn", position: event.position });
    if (change === "removed") told.delete(pair);
  }
  const rows = await db.selectFrom("bundle_access").selectAll().execute();
  const stored = rows.map((row) => [
    `${row.mesh_id} ${row.trust_domain}`,
    { state: row.state, position: row.position },
  ]);
  expect(Object.fromEntries(stored)).toEqual(Object.fromEntries(told));
}

/** What is made and ended: meshes, memberships, pollers, authorities, federations. */
async function checkLives(db: Database, events: readonly StoredEvent[]): Promise<void> {
  const of = (kind: string, ...types: readonly string[]) =>
    events.filter(({ type }) => types.includes(type)).map((event) => idOf(event, kind));
  const meshes = await db.selectFrom("mesh").select(["mesh_id", "deleted_at"]).execute();
  expect(meshes.map((row) => row.mesh_id).sort()).toEqual(of("mesh", "mesh.registered").sort());
  const deleted = meshes.filter((row) => row.deleted_at !== null).map((row) => row.mesh_id);
  expect(deleted.sort()).toEqual(of("mesh", "mesh.deleted").sort());
  const pollers = await db.selectFrom("poller").select(["poller_id", "position", "revoked_at"]).execute();
  expect(pollers.toSorted((a, b) => a.position - b.position).map((row) => row.poller_id)).toEqual(
    of("poller", "poller.created"),
  );
  const revoked = pollers.filter((row) => row.revoked_at !== null).map((row) => row.poller_id);
  expect(revoked.sort()).toEqual(of("poller", "poller.revoked").sort());
  const distrusted = await db
    .selectFrom("authority")
    .select("authority_id")
    .where("revoked_at", "is not", null)
    .execute();
  expect(distrusted.map((row) => row.authority_id).sort()).toEqual(of("authority", "authority.revoked").sort());
  const federations = await db.selectFrom("federation").select("federation_id").execute();
  expect(federations.map((row) => row.federation_id).sort()).toEqual(of("federation", "federation.proposed").sort());
}
