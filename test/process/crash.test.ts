import { expect, it } from "vitest";
import { revisionDigest } from "../../src/bundle/projections.ts";
import { x509Authority } from "../../src/pki/authority-profile.ts";
import { bundle, poll, readFederation } from "../federation/federation-fixture.ts";
import { type ListeningProcess, spawnBroker, startProcess } from "../support/broker-process.ts";
import { databaseOf } from "../support/postgres-server.ts";
import { expectStatus, federate, registerMesh } from "../support/running-broker.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { answered, type Told, toldNothing, type World, writeUntilGone } from "./crash-writers.ts";

const KILLS = 20;
const KILLS_AT_FIRST_START = 4;

const seed = Number(process.env.CRASH_SEED ?? Date.now() % 2 ** 31);

/** Numbers in [0, 1) that follow from the seed (mulberry32). */
function numbersFrom(state: number): () => number {
  let at = state;
  return () => {
    at = (at + 0x6d2b79f5) | 0;
    let mixed = Math.imul(at ^ (at >>> 15), 1 | at);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const UNLIMITED = Object.fromEntries(
  ["REQUESTS_PER_SECOND", "REQUEST_BURST", "POLLS_PER_SECOND", "POLL_BURST"].map((name) => [
    `ENTENTE_LIMITS_${name}`,
    "100000",
  ]),
);

interface AuditEvent {
  readonly position: number;
  readonly eventId: string;
  readonly type: string;
  readonly subjects: readonly string[];
  readonly outcome: string;
  readonly detail: { readonly digest?: string };
}

async function everything<T>(broker: ListeningProcess, token: string, path: string, noun: string): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = `${path}${path.includes("?") ? "&" : "?"}limit=1000${cursor ? `&cursor=${cursor}` : ""}`;
    const { body } = await expectStatus(200, broker.api("GET", page, { token }));
    found.push(...body[noun]);
    cursor = body.next;
  } while (cursor);
  return found;
}

/** One poller's eyes over all restarts: what it sees never goes back, nor comes twice with other bytes (R16). */
function watcher({ bank, shop }: World) {
  const seen = new Map<number, string>();
  let highest = 0;
  return {
    seen,
    async look(broker: ListeningProcess): Promise<void> {
      const { status, body } = await poll(broker, bank, shop.trustDomain);
      expect(status).toBe(200);
      const { spiffe_sequence: sequence } = JSON.parse(body);
      expect(sequence).toBeGreaterThanOrEqual(highest);
      expect(seen.get(sequence) ?? body).toBe(body);
      seen.set(sequence, body);
      highest = sequence;
    },
  };
}

/** Every acknowledged change is there, in the state and in the audit trail; of one in flight, either outcome. */
async function checkAcknowledged(broker: ListeningProcess, world: World, told: Told, events: readonly AuditEvent[]) {
  const { bank, shop, federationId } = world;
  const ids = async (token: string, path: string, noun: string, id: string) =>
    (await everything<Record<string, string>>(broker, token, path, noun)).map((found) => found[id]);
  const lost = (acknowledged: Iterable<string>, found: readonly unknown[]) =>
    [...acknowledged].filter((id) => !found.includes(id));
  const pollers = await ids(bank.token, `/v1/meshes/${bank.meshId}/pollers`, "pollers", "pollerId");
  const tokens = await ids(shop.token, "/v1/tokens", "tokens", "tokenId");
  const path = `/v1/meshes/${shop.meshId}/authorities`;
  const contributed = await everything<{ authorityId: string; state: string }>(broker, shop.token, path, "authorities");
  const retired = contributed.filter(({ state }) => state === "retired").map(({ authorityId }) => authorityId);
  expect(lost(told.pollers.keys(), pollers)).toEqual([]);
  expect(lost(told.tokens, tokens)).toEqual([]);
  expect(
    lost(
      told.authorities,
      contributed.map(({ authorityId }) => authorityId),
    ),
  ).toEqual([]);
  expect(lost(told.retired, retired)).toEqual([]);

  const domain = (await broker.api("GET", `/v1/trust-domains/${shop.trustDomain}`, { token: shop.token })).body;
  expect([told.hint.acknowledged, told.hint.asked]).toContain(domain.refreshHintSeconds);
  told.hint.acknowledged = domain.refreshHintSeconds;
  const { state } = (await readFederation(broker, bank, federationId)).body;
  const word = state === "active" ? "granted" : state;
  expect([told.consent.acknowledged, told.consent.asked]).toContain(word);
  told.consent.acknowledged = word;
  expect((await bundle(poll(broker, bank, shop.trustDomain))).keys.length > 0).toBe(word === "granted");

  const about = (type: string, kind: string) =>
    events
      .filter((event) => event.type === type)
      .flatMap(({ subjects }) => subjects.filter((subject) => subject.startsWith(`${kind}/`)))
      .map((subject) => subject.slice(kind.length + 1));
  expect(lost(told.pollers.keys(), about("poller.created", "poller"))).toEqual([]);
  expect(lost(told.tokens, about("token.created", "token"))).toEqual([]);
  expect(lost(told.authorities, about("authority.contributed", "authority"))).toEqual([]);
  expect(lost(told.retired, about("authority.transitioned", "authority"))).toEqual([]);
  expect(about("poller.created", "poller").sort()).toEqual([...pollers, world.shop.pollerId].sort());

  const newest = [...told.pollers.values()].at(-1);
  if (newest !== undefined) expect((await poll(broker, { pollerToken: newest }, bank.trustDomain)).status).toBe(200);
}

/** The newest revision is the last that the log tells of, and what is served; its digest is that of the served bytes. */
async function checkServed(broker: ListeningProcess, { shop }: World, events: readonly AuditEvent[]) {
  const path = `/v1/trust-domains/${shop.trustDomain}/revisions`;
  const { revisions } = (await broker.api("GET", `${path}?limit=1`, { token: shop.token })).body;
  const [newest] = revisions;
  const told = events.findLast(
    ({ type, subjects }) => type === "bundle.revised" && subjects.includes(`trust-domain/${shop.trustDomain}`),
  );
  expect({ position: told?.position, digest: told?.detail.digest }).toEqual({
    position: newest.position,
    digest: newest.digest,
  });
  const served = await bundle(poll(broker, shop, shop.trustDomain));
  expect(served.spiffe_sequence).toBe(newest.sequence);
  const authorities = (served.keys as unknown as { x5c: [string] }[]).map(
    ({ x5c }) => x509Authority(Buffer.from(x5c[0], "base64"), shop.ca.trustDomain, Date.now()).authority,
  );
  expect(revisionDigest(authorities, served.spiffe_refresh_hint)).toBe(newest.digest);
}

it(`killed ${KILLS} times at random during writes, it loses nothing that it acknowledged and starts by itself (L2)`, async () => {
  console.log(`CRASH_SEED=${seed}`);
  const random = numbersFrom(seed);
  const folder = temporaryFolder();
  let broker = await startProcess(folder, UNLIMITED);
  const bank = await registerMesh(broker, "bank");
  const shop = await registerMesh(broker, "shop");
  const world: World = { bank, shop, federationId: await federate(broker, bank, shop) };
  const told = toldNothing();
  const watched = watcher(world);
  let before: readonly AuditEvent[] = [];

  for (let kill = 0; kill < KILLS; kill++) {
    const watching = (async () => {
      while (await answered(watched.look(broker)));
    })();
    const writing = writeUntilGone(broker, world, told);
    // By acknowledgements and not by time, so that a slow machine is killed amid as many writes as a fast one.
    const enough = told.changes + 5 + Math.floor(random() * 15);
    const ended = writing.then(() => true);
    while (told.changes < enough && !(await Promise.race([pause(1), ended])));
    await pause(random() * 20);
    await broker.end("SIGKILL");
    await Promise.all([writing, watching]);

    broker = await startProcess(folder, UNLIMITED);
    await watched.look(broker);
    const events = await everything<AuditEvent>(broker, broker.operatorToken, "/v1/audit-events?order=asc", "events");
    expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
    expect(events.slice(0, before.length)).toEqual(before);
    await checkAcknowledged(broker, world, told, events);
    await checkServed(broker, world, events);
    before = events;
  }
  console.log(`${told.changes} acknowledged changes, ${before.length} events, ${watched.seen.size} sequences seen`);
  expect(told.changes).toBeGreaterThanOrEqual(5 * KILLS);
  expect(watched.seen.size).toBeGreaterThan(KILLS / 2);
}, 300_000);

it("killed at any moment of its first start, the next start needs no hand, and the token in the file is valid (S27)", async () => {
  console.log(`CRASH_SEED=${seed}`);
  const random = numbersFrom(seed);
  for (let kill = 0; kill < KILLS_AT_FIRST_START; kill++) {
    const folder = temporaryFolder();
    const first = spawnBroker(folder, await databaseOf(folder));
    await pause(random() * 2_000);
    await first.end("SIGKILL");
    const broker = await startProcess(folder);
    const { tokens } = (await expectStatus(200, broker.api("GET", "/v1/tokens", { token: broker.operatorToken }))).body;
    expect(tokens).toHaveLength(1);
    expect((await bundle(broker.pollSpiffe("/bundle"))).keys).toHaveLength(1);
    await broker.end("SIGKILL");
  }
}, 120_000);
