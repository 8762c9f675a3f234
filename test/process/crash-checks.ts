import { expect } from "vitest";
import { revisionDigest } from "../../src/bundle/projections.ts";
import { x509Authority } from "../../src/pki/authority-profile.ts";
import { bundle, eventually, poll, readFederation } from "../federation/federation-fixture.ts";
import type { ListeningProcess } from "../support/broker-process.ts";
import { type AuditEvent, everything } from "./crash-reading.ts";
import type { Told, World } from "./crash-told.ts";

/** One poller's eyes over all restarts: what it sees never goes back, nor comes twice with other bytes (R16). */
export function watcher({ bank, shop }: World) {
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
export async function checkAcknowledged(
  broker: ListeningProcess,
  world: World,
  told: Told,
  events: readonly AuditEvent[],
) {
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
export async function checkServed(
  broker: ListeningProcess,
  { shop }: World,
  events: readonly AuditEvent[],
  isShared: boolean,
) {
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
  const read = () => bundle(poll(broker, shop, shop.trustDomain));
  // PostgreSQL ends what a killed broker's session had begun, maybe after the next broker has read what it serves first.
  const served = isShared
    ? await eventually(read, ({ spiffe_sequence }) => spiffe_sequence === newest.sequence)
    : await read();
  expect(served.spiffe_sequence).toBe(newest.sequence);
  const authorities = (served.keys as unknown as { x5c: [string] }[]).map(
    ({ x5c }) => x509Authority(Buffer.from(x5c[0], "base64"), shop.ca.trustDomain, Date.now()).authority,
  );
  expect(revisionDigest(authorities, served.spiffe_refresh_hint)).toBe(newest.digest);
}

/** What an audit read answered amid commits, and what was there at the last crash, is there for good (L2). */
export function checkLog(events: readonly AuditEvent[], before: readonly AuditEvent[], { events: read }: Told): void {
  expect(events.map(({ position }) => position)).toEqual(events.map((_, index) => index + 1));
  expect(events.slice(0, before.length)).toEqual(before);
  for (const [position, event] of read) expect(events[position - 1]).toEqual(event);
  read.clear();
}
