import { expect } from "vitest";
import { documentOf, listRevisions } from "../../src/features/bundles/bundle.service.ts";
import type { Revision } from "../../src/features/bundles/bundle.ts";
import type { TrustDomain } from "../../src/spiffe/trust-domain.ts";
import { bearsSequence } from "../../src/store/event.ts";
import { eventsAfter, type FollowedEvent } from "../../src/store/event-log.ts";
import { type EpochMs, SECOND_MS } from "../../src/time.ts";
import type { Publication } from "../../src/views/publication.ts";
import type { PollerInput } from "../../src/views/publication-inputs.ts";
import type { Shown } from "../../src/views/shown.ts";
import { TRUST_DOMAINS } from "./material.ts";
import { distrustedBy, mayBeServed, publishedAt } from "./model.ts";
import { type Content, contentOf } from "./reading.ts";
import { GENERATION, type ModelPoller, rebuilt, TOMBSTONE_SECONDS, type World } from "./world.ts";

/** What one viewer of one trust domain has been shown so far. */
interface Past {
  sequence: number;
  lastModifiedSeconds: number;
  /** Bytes by sequence. */
  readonly bytes: Map<number, string>;
  /** The clock when it last saw a bundle; undefined for never. */
  sawBundleAt?: EpochMs;
}

export interface History {
  readonly pasts: Map<string, Past>;
  /** Newest revision by trust domain, as it was after the last step. */
  readonly newest: Map<string, Revision>;
}

export const newHistory = (): History => ({ pasts: new Map(), newest: new Map() });

interface Viewer {
  readonly meshId: string | null;
  readonly trustDomain: TrustDomain;
  look(publication: Publication): Shown | "gone" | "absent";
}

const observer = (meshId: string): PollerInput => ({
  pollerId: `observer of ${meshId}`,
  meshId,
  position: 0,
  expiresAt: null,
  tokenHash: "" as PollerInput["tokenHash"],
});

/** Every mesh that is there, and anybody, at every trust domain. */
function viewersOf({ model, broker }: World): Viewer[] {
  const now = broker.time.clock();
  const meshes = [...model.meshes.values()].filter(({ deleted }) => !deleted).map(({ meshId }) => meshId);
  return TRUST_DOMAINS.flatMap((trustDomain): Viewer[] => [
    { meshId: null, trustDomain, look: (publication) => publication.lookPublic(trustDomain, now) },
    ...meshes.map((meshId) => ({
      meshId,
      trustDomain,
      look: (publication: Publication) => publication.look(observer(meshId), trustDomain, now),
    })),
  ]);
}

/** The laws that hold at every moment, whether or not the log has caught up with the clock. */
export function checkServed(world: World, history: History): void {
  const { model, broker, publication } = world;
  const now = broker.time.clock();
  for (const viewer of viewersOf(world)) {
    const { meshId, trustDomain } = viewer;
    const name = `${meshId} at ${trustDomain}`;
    const allowed = meshId === null ? model.public.has(trustDomain) : mayBeServed(model, meshId, trustDomain, now);
    const shown = viewer.look(publication);
    const past = history.pasts.get(name);
    if (shown === "gone" || shown === "absent") {
      if (shown === "gone") checkGone(world, meshId as string, trustDomain, past, now);
      if (shown === "absent" && meshId !== null)
        expect(past?.sawBundleAt, `${name} is left with a bundle`).toBeUndefined();
      continue;
    }
    const content = contentOf(shown);
    // Nothing is served across without both consents and unexpired, unvetoed terms; a bundle comes back only with them.
    if (!allowed) expect(content.fingerprints, `${name} may see nothing`).toEqual([]);
    const published = publishedAt(model, trustDomain, now);
    expect(published, `${name} sees only what is published`).toEqual(expect.arrayContaining([...content.fingerprints]));
    const distrusted = distrustedBy(model, meshId, trustDomain);
    const distrustedYet = content.fingerprints.filter((fingerprint) => distrusted.includes(fingerprint));
    expect(distrustedYet, `${name} sees nothing that it distrusts`).toEqual([]);
    if (content.fingerprints.length > 0) world.reached(allowed && meshId !== null ? "served" : "served to anybody");
    history.pasts.set(name, seenAfter(past, name, shown, shown.revision === null ? undefined : now));
  }
}

/** No sequence falls, none repeats with other bytes, and `Last-Modified` is strictly later whenever the bytes change. */
function seenAfter(past: Past | undefined, name: string, shown: Shown, sawBundleAt: EpochMs | undefined): Past {
  const { sequence, lastModifiedSeconds } = shown;
  const text = shown.replies().spiffe.text;
  if (past) {
    expect(sequence, `${name}: the sequence falls`).toBeGreaterThanOrEqual(past.sequence);
    if (sequence > past.sequence) {
      expect(lastModifiedSeconds, `${name}: Last-Modified`).toBeGreaterThan(past.lastModifiedSeconds);
    }
  }
  const bytes = past?.bytes ?? new Map<number, string>();
  expect(bytes.get(sequence) ?? text, `${name}: ${sequence} has other bytes`).toBe(text);
  bytes.set(sequence, text);
  const saw = sawBundleAt ?? past?.sawBundleAt;
  return { sequence, lastModifiedSeconds, bytes, ...(saw === undefined ? {} : { sawBundleAt: saw }) };
}

const lives = (poller: ModelPoller, now: EpochMs) =>
  !poller.revoked && (poller.expiresAt === null || now < poller.expiresAt);

/** A tombstone goes when it was shown for long enough and no living poller holds the bundle any more (decision 7). */
function checkGone(world: World, meshId: string, trustDomain: string, past: Past | undefined, now: EpochMs): void {
  world.reached("gone");
  if (past?.sawBundleAt !== undefined) {
    expect(now).toBeGreaterThanOrEqual(past.sawBundleAt + TOMBSTONE_SECONDS * SECOND_MS);
  }
  const holding = world.pollers.filter(
    (poller) => poller.meshId === meshId && lives(poller, now) && poller.holds.get(trustDomain) === "bundle",
  );
  expect(holding, "pollers that still hold the bundle").toEqual([]);
}

/** Each change of what a domain publishes makes exactly one revision, equal content none. */
export async function checkRevisions(world: World, history: History, settled: boolean): Promise<void> {
  const { model, broker } = world;
  const now = broker.time.clock();
  for (const trustDomain of TRUST_DOMAINS) {
    const before = history.newest.get(trustDomain);
    const revisions = await listRevisions(broker.db, trustDomain, Number.MAX_SAFE_INTEGER, 3);
    const fresh = revisions.filter(({ position }) => position > (before?.position ?? 0));
    expect(fresh.length, `revisions of ${trustDomain} in one step`).toBeLessThanOrEqual(1);
    const newest = revisions[0];
    const isNow: Content = {
      fingerprints: publishedAt(model, trustDomain, now),
      refreshHintSeconds: model.hints.get(trustDomain) ?? 0,
    };
    if (fresh.length > 0 && newest) {
      expect(newest.digest).not.toBe(before?.digest);
      expect(newest.sequence).toBe(GENERATION * 2 ** 32 + newest.position);
      expect(JSON.parse(await documentOf(broker.db, newest))).toMatchObject({ spiffe_sequence: newest.sequence });
      history.newest.set(trustDomain, newest);
    }
    if (fresh.length === 0 && !settled) continue;
    if (newest) expect({ ...newest }).toMatchObject(isNow);
    else expect(isNow.fingerprints).toEqual([]);
  }
}

/** What holds once the log has caught up with the clock: all that may be served is, under the log's own numbers. */
export async function checkSettled(world: World, history: History): Promise<void> {
  const { model, broker, publication } = world;
  const now = broker.time.clock();
  const fresh = await rebuilt(broker, world.ahead);
  const eventAt = async (position: number) => (await eventsAfter(broker.db, position - 1, 1))[0];
  for (const viewer of viewersOf(world)) {
    const { meshId, trustDomain } = viewer;
    const name = `${meshId} at ${trustDomain}`;
    const allowed = meshId === null ? model.public.has(trustDomain) : mayBeServed(model, meshId, trustDomain, now);
    const shown = viewer.look(publication);
    const again = viewer.look(fresh);
    expect(described(again), `${name}: rebuilt`).toEqual(described(shown));
    if (typeof shown === "string" || typeof again === "string") {
      if (allowed) expect(history.newest.has(trustDomain), `${name} is served nothing`).toBe(false);
      continue;
    }
    if (!world.ahead.some((ahead) => ahead.trustDomain === trustDomain))
      checkNumber(again, viewer, await eventAt(again.sequence - GENERATION * 2 ** 32));
    if (!allowed) continue;
    const distrusted = distrustedBy(model, meshId, trustDomain);
    if (distrusted.length > 0) world.reached("served without what it distrusts");
    // A clock that came back has restored what it hid; and time alone has emptied nothing.
    expect({ name, ...contentOf(shown) }).toEqual({
      name,
      fingerprints: publishedAt(model, trustDomain, now).filter((fingerprint) => !distrusted.includes(fingerprint)),
      refreshHintSeconds: model.hints.get(trustDomain),
    });
  }
}

/** The number is of the event that made what is seen: a revision, or this consumer's own withdrawal, re-grant or distrust. */
function checkNumber(shown: Shown, { meshId, trustDomain }: Viewer, event: FollowedEvent | undefined): void {
  const own = bearsSequence(event?.type ?? "bundle.revised") && event?.type !== "bundle.revised";
  if (shown.revision === null) expect(event?.type).toBe("bundle-access.withdrawn");
  else expect(own || event?.position === shown.revision, `${event?.type} at ${event?.position}`).toBe(true);
  expect(event?.subjects).toContain(`trust-domain/${trustDomain}`);
  if (own) expect(event?.subjects).toContain(`mesh/${meshId}`);
}

function described(shown: Shown | "gone" | "absent"): unknown {
  if (typeof shown === "string") return shown;
  const { sequence, lastModifiedSeconds, revision } = shown;
  return { ...contentOf(shown), revision, sequence, lastModifiedSeconds, etag: shown.replies().spiffe.etag };
}
