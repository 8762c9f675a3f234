import { Refusal } from "../../errors.ts";
import { randomId } from "../../randomness.ts";
import type { Work } from "../../store/unit-of-work.ts";
import type { FreeText } from "../../text.ts";
import { SECOND_MS } from "../../time.ts";
import { notFound } from "../access/caller.ts";
import { deliveriesToPoller } from "../deliveries/delivery.service.ts";
import type { Delivery } from "../deliveries/delivery.ts";
import type { Dialect } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import {
  countPollersExpiringBefore,
  findPoller,
  insertPoller,
  listPollers,
  unrevokedPollersOf,
  updatePoller,
} from "./poller.store.ts";
import { canPoll, newPollerToken, type Poller } from "./poller.ts";

export { findPoller, listPollers, unrevokedPollersOf };
export const pollersExpiringBefore = countPollersExpiringBefore;

export interface PollerChange {
  readonly name?: FreeText;
  readonly cluster?: FreeText | null;
  readonly dialect?: Dialect | null;
  readonly dialectVersion?: FreeText | null;
  readonly replicas?: number;
}

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
  const made = { ...fields, pollerId, meshId, createdAt: work.now, revokedAt: null };
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
  const poller: Poller = { ...before, revokedAt: work.now };
  await updatePoller(work.tx, poller);
  work.record({
    type: "poller.revoked",
    subjects: [`mesh/${meshId}`, `poller/${pollerId}`],
    actingMesh: meshId,
    before,
    after: poller,
  });
  const held = await deliveriesToPoller(work.tx, pollerId);
  return { poller, holds: held.filter(({ revision }) => revision !== null) };
}

/** A mesh that goes takes its URLs with it. */
export async function revokePollersOf(work: Work, meshId: MeshId): Promise<void> {
  for (const { pollerId } of await unrevokedPollersOf(work.tx, meshId)) await revokePoller(work, meshId, pollerId);
}

async function requireFreeName(work: Work, meshId: MeshId, name: FreeText, except: string | undefined): Promise<void> {
  const taken = (await unrevokedPollersOf(work.tx, meshId)).some(
    (poller) => poller.name === name && poller.pollerId !== except && canPoll(poller, work.now),
  );
  if (taken) throw new Refusal("poller-name-taken", `${meshId} has a poller "${name}"`, { pointer: "/name" });
}
