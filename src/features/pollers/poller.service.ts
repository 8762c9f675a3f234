import { Refusal } from "../../errors.ts";
import { randomId } from "../../randomness.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { FreeText } from "../../text.ts";
import { type EpochMs, SECOND_MS, toRfc3339, toRfc3339OrNull } from "../../time.ts";
import { notFound } from "../access/caller.ts";
import { deliveriesToPoller } from "../deliveries/delivery.service.ts";
import type { Delivery } from "../deliveries/delivery.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import {
  countFormerUrls,
  countPollersExpiringBefore,
  countUsablePollers,
  findPoller,
  insertPoller,
  listPollers,
  pollerExpiries,
  pollersExpiring,
  replacePollerToken,
  unrevokedPollersNamed,
  unrevokedPollersOf,
  updatePoller,
} from "./poller.store.ts";
import { canPoll, MAX_FORMER_URLS, newPollerToken, type Poller, type PollerChange } from "./poller.ts";

export { findPoller, listPollers, pollerExpiries, unrevokedPollersOf };
export const pollersExpiringBefore = countPollersExpiringBefore;

/** How many pollers of a mesh can poll. */
export const countPollersOf = ({ tx, now }: Work, meshId: MeshId): Promise<number> =>
  countUsablePollers(tx, meshId, now);

/**
 * Makes a poller; its token is in the answer and nowhere else.
 * @throws {Refusal} `poller-name-taken`
 */
export async function createPoller(
  work: Work,
  meshId: MeshId,
  asked: PollerChange & { readonly name: FreeText; readonly expiresInSeconds?: number },
): Promise<{ poller: Poller; token: string }> {
  await requireFreeName(work, meshId, asked.name, undefined);
  const { token, hash } = newPollerToken(work.random);
  const pollerId = randomId(work.random, "pol");
  const fields = {
    name: asked.name,
    cluster: asked.cluster ?? null,
    dialect: asked.dialect ?? null,
    dialectVersion: asked.dialectVersion ?? null,
    replicas: asked.replicas ?? 1,
    expiresAt: asked.expiresInSeconds === undefined ? null : work.now + asked.expiresInSeconds * SECOND_MS,
  };
  const made = {
    ...fields,
    pollerId,
    meshId,
    createdAt: work.now,
    revokedAt: null,
    formerUrlsUntil: null,
    rotatedAt: null,
  };
  const position = work.record({
    type: "poller.created",
    subjects: [`mesh/${meshId}`, `poller/${pollerId}`],
    actingMesh: meshId,
    fields,
    after: made,
  });
  const poller: Poller = { ...made, position };
  await insertPoller(work.tx, poller, hash);
  return { poller, token };
}

/** @throws {Refusal} `not-found`, `poller-name-taken` */
export async function changePoller(
  work: Work,
  meshId: MeshId,
  pollerId: string,
  change: PollerChange,
): Promise<Poller> {
  const before = await findPoller(work.tx, meshId, pollerId);
  if (!before || before.revokedAt !== null) throw notFound();
  const after: Poller = { ...before, ...change };
  if (JSON.stringify(after) === JSON.stringify(before)) return before;
  await requireFreeName(work, meshId, after.name, pollerId);
  await updatePoller(work.tx, after);
  work.record({
    type: "poller.updated",
    subjects: [`mesh/${meshId}`, `poller/${pollerId}`],
    actingMesh: meshId,
    before,
    after,
  });
  return after;
}

/**
 * Gives a poller another URL. It stays the same poller with the same ledger; the URL that it had serves until the overlap
 * ends, and so do those before it, of which one may be the only one that a control plane knows (S35).
 * @throws {Refusal} `not-found`, `already-ended`, `quota-exceeded` while too many former URLs serve
 */
export async function rotatePoller(
  work: Work,
  meshId: MeshId,
  pollerId: string,
  overlapSeconds: number,
): Promise<{ poller: Poller; token: string }> {
  const before = await findPoller(work.tx, meshId, pollerId);
  if (!before) throw notFound();
  if (!canPoll(before, work.now)) throw new Refusal("already-ended", `the poller ${before.name} is revoked or expired`);
  if ((await countFormerUrls(work.tx, pollerId, work.now)) >= MAX_FORMER_URLS) {
    throw new Refusal("quota-exceeded", `${MAX_FORMER_URLS} former URLs of the poller ${before.name} still serve`, {
      extra: { quota: "formerUrls" },
    });
  }
  const { token, hash } = newPollerToken(work.random);
  const endsAt = work.now + overlapSeconds * SECOND_MS;
  await replacePollerToken(work.tx, pollerId, hash, { now: work.now, endsAt });
  const poller: Poller = {
    ...before,
    formerUrlsUntil: Math.max(endsAt, before.formerUrlsUntil ?? 0),
    rotatedAt: work.now,
  };
  work.record({
    type: "poller.rotated",
    subjects: [`mesh/${meshId}`, `poller/${pollerId}`],
    actingMesh: meshId,
    fields: { name: before.name, formerUrlEndsAt: toRfc3339(endsAt) },
    before,
    after: poller,
  });
  return { poller, token };
}

/**
 * Ends a poller's URL, and says which bundles it still holds: those it will trust until somebody takes them away.
 * @throws {Refusal} `not-found`, `already-ended`
 */
export async function revokePoller(
  work: Work,
  meshId: MeshId,
  pollerId: string,
): Promise<{ poller: Poller; holds: Delivery[] }> {
  const before = await findPoller(work.tx, meshId, pollerId);
  if (!before) throw notFound();
  if (before.revokedAt !== null) throw new Refusal("already-ended", `the poller ${before.name} is revoked`);
  const poller = await endPoller(work, before, { actingMesh: meshId });
  const held = await deliveriesToPoller(work.tx, pollerId);
  return { poller, holds: held.filter(({ revision }) => revision !== null) };
}

/** A mesh that goes takes its URLs with it. */
export async function revokePollersOf(work: Work, meshId: MeshId): Promise<void> {
  for (const poller of await unrevokedPollersOf(work.tx, meshId)) await endPoller(work, poller, {});
}

async function endPoller(work: Work, before: Poller, by: { readonly actingMesh?: MeshId }): Promise<Poller> {
  const poller: Poller = { ...before, revokedAt: work.now };
  await updatePoller(work.tx, poller);
  work.record({
    type: "poller.revoked",
    subjects: [`mesh/${poller.meshId}`, `poller/${poller.pollerId}`],
    ...by,
    before,
    after: poller,
  });
  return poller;
}

/** Says of each poller whose URL ended by the clock, after `from` and by `to`, that it did. */
export async function recordExpiredPollers(work: Work, from: EpochMs, to: EpochMs): Promise<void> {
  for (const { pollerId, meshId, name, expiresAt } of await pollersExpiring(work.tx, from, to)) {
    work.record({
      type: "poller.expired",
      subjects: [`mesh/${meshId}`, `poller/${pollerId}`],
      fields: { name, expiresAt: toRfc3339OrNull(expiresAt) },
    });
  }
}

async function requireFreeName(work: Work, meshId: MeshId, name: FreeText, except: string | undefined): Promise<void> {
  const taken = (await unrevokedPollersNamed(work.tx, meshId, name)).some(
    (poller) => poller.pollerId !== except && canPoll(poller, work.now),
  );
  if (taken) throw new Refusal("poller-name-taken", `${meshId} has a poller "${name}"`, { pointer: "/name" });
}
