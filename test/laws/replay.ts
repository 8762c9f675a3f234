import { createHash } from "node:crypto";
import { expect } from "vitest";
import { listEvents, type StoredEvent } from "../../src/features/audit/audit.store.ts";
import { expiriesToldTo } from "../../src/store/event-log.ts";
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
  await checkExpiries(db, events);
}

async function checkAccesses(db: Database, events: readonly StoredEvent[]): Promise<void> {
  const told = new Map<string, { state: string; position: number }>();
  for (const event of events) {
    const [kind, change] = event.type.split(".");
    if (kind !== "bundle-access") continue;
    const pair = `${idOf(event, "mesh")} ${idOf(event, "trust-domain")}`;
    if (change === "granted") told.set(pair, { state: "granted", position: 0 });
    if (change === "distrust-changed") told.set(pair, { state: "granted", position: event.position });
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
  const distrusts = await db.selectFrom("distrust").select(["distrust_id", "lifted_at"]).execute();
  expect(distrusts.map((row) => row.distrust_id).sort()).toEqual(of("distrust", "distrust.created").sort());
  const lifted = distrusts.filter((row) => row.lifted_at !== null).map((row) => row.distrust_id);
  expect(lifted.sort()).toEqual(of("distrust", "distrust.lifted").sort());
  const suspended = new Set<string>();
  for (const event of events) {
    if (event.type === "mesh.suspended") suspended.add(idOf(event, "mesh"));
    if (event.type === "mesh.suspension-ended") suspended.delete(idOf(event, "mesh"));
  }
  const held = await db.selectFrom("mesh").select("mesh_id").where("suspended_at", "is not", null).execute();
  expect(held.map((row) => row.mesh_id).sort()).toEqual([...suspended].sort());
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

/** What the clock ended by the instant that the log has come to, the log says, and says of nothing else. */
async function checkExpiries(db: Database, events: readonly StoredEvent[]): Promise<void> {
  const told = (kind: string) => events.filter(({ type }) => type === `${kind}.expired`);
  const toldOf = (kind: string) => new Set(told(kind).map((event) => idOf(event, kind)));
  const passed = await expiriesToldTo(db);

  const pollers = await db.selectFrom("poller").select(["poller_id", "expires_at", "revoked_at"]).execute();
  const ends = new Map(pollers.map((row) => [row.poller_id, row.expires_at ?? Number.POSITIVE_INFINITY]));
  for (const event of told("poller")) expect(event.at).toBeGreaterThanOrEqual(ends.get(idOf(event, "poller")) ?? 0);
  const ended = pollers.filter((row) => row.revoked_at === null && (row.expires_at ?? passed + 1) <= passed);
  expect([...toldOf("poller")]).toEqual(expect.arrayContaining(ended.map((row) => row.poller_id)));

  // A federation that was denied, withdrawn or vetoed when its terms expired had ended before.
  const denied = new Set(
    events
      .filter(({ type }) => /^federation\.(?:denied|withdrawn|vetoed)$/.test(type))
      .map((event) => idOf(event, "federation")),
  );
  const federations = await db.selectFrom("federation").select(["federation_id", "expires_at"]).execute();
  const over = federations.filter((row) => (row.expires_at ?? passed + 1) <= passed && !denied.has(row.federation_id));
  expect([...toldOf("federation")]).toEqual(expect.arrayContaining(over.map((row) => row.federation_id)));

  const authorities = await db.selectFrom("authority").select(["authority_id", "not_after"]).execute();
  const notAfter = new Map(authorities.map((row) => [row.authority_id, row.not_after ?? Number.POSITIVE_INFINITY]));
  for (const event of told("authority"))
    expect(event.at).toBeGreaterThanOrEqual(notAfter.get(idOf(event, "authority")) ?? 0);
}
