import { Refusal } from "../../errors.ts";
import type { EventActor } from "../../store/event.ts";
import type { Work } from "../../store/unit-of-work.ts";
import { type EpochMs, SECOND_MS, toRfc3339, toRfc3339OrNull } from "../../time.ts";
import { notFound } from "../access/caller.ts";
import { matchesHash, newSecret, readSecret } from "../access/secret.ts";
import type { RegisteredMesh } from "../meshes/mesh.ts";
import type { MeshId } from "../meshes/mesh-id.ts";
import { meshNamed } from "../meshes/mesh-lookup.service.ts";
import { requireGranted } from "../trust-domains/trust-domain-record.ts";
import {
  codeExpiries,
  codesExpiring,
  findCode,
  findCodeSecret,
  insertCode,
  listCodes,
  markCodeRevoked,
  markCodeSpent,
  openCodesOf,
} from "./federation-code.store.ts";
import { type CodeRole, codeState, DEFAULT_LIFE_MS, type FederationCode } from "./federation-code.ts";

export { codeExpiries, findCode, listCodes };

/** How many codes of a mesh are open. */
export const countOpenCodes = async ({ tx, now }: Work, meshId: MeshId): Promise<number> =>
  (await openCodesOf(tx, meshId, now)).length;

export interface NewCode {
  readonly trust: readonly CodeRole[] | null;
  readonly federationExpiresAt: EpochMs | null;
  readonly expiresInSeconds: number | undefined;
  readonly reason: string | null;
}

/**
 * A mesh consents to a federation with whoever comes first with the code; it is in the answer and nowhere else.
 * @throws {Refusal} `not-found`; `membership-pending`; `invalid-terms` for an end that has passed
 */
export async function createCode(
  work: Work,
  meshId: MeshId,
  asked: NewCode,
): Promise<{ code: FederationCode; secret: string }> {
  const mesh = await meshNamed(work.tx, meshId);
  if (!mesh) throw notFound();
  requireGranted({ ...mesh, state: mesh.membership });
  if (asked.federationExpiresAt !== null && asked.federationExpiresAt <= work.now)
    throw new Refusal("invalid-terms", "federationExpiresAt has passed", { pointer: "/federationExpiresAt" });
  const { id, text, hash } = newSecret(work.random, "fdc");
  const { expiresInSeconds, ...terms } = asked;
  const code: FederationCode = {
    ...terms,
    codeId: id,
    meshId,
    createdAt: work.now,
    createdBy: work.actor.id,
    expiresAt: work.now + (expiresInSeconds === undefined ? DEFAULT_LIFE_MS : expiresInSeconds * SECOND_MS),
    revokedAt: null,
    spentAt: null,
    spentBy: null,
    federationId: null,
  };
  await insertCode(work.tx, code, hash);
  const { trust, federationExpiresAt, expiresAt, reason } = code;
  work.record({
    type: "federation-code.created",
    subjects: subjectsOf(code),
    actingMesh: meshId,
    fields: {
      trust,
      federationExpiresAt: toRfc3339OrNull(federationExpiresAt),
      expiresAt: toRfc3339(expiresAt),
      reason,
    },
    after: code,
  });
  return { code, secret: text };
}

const subjectsOf = ({ codeId, meshId }: FederationCode) => [`federation-code/${codeId}`, `mesh/${meshId}`] as const;

/** One answer to every code that does not hold: unknown, expired, revoked, spent, of a mesh that cannot federate. */
const invalid = (): Refusal => new Refusal("federation-code-invalid", "the code does not hold", { pointer: "/code" });

/**
 * An open code as a proposer presents it, with the mesh that consents by it.
 * @param peer the mesh that the proposer takes it to be of; undefined where it leaves that to the code
 * @throws {Refusal} `federation-code-invalid`
 */
export async function openCode(
  { tx, now }: Pick<Work, "tx" | "now">,
  text: string,
  peer: MeshId | undefined,
): Promise<{ code: FederationCode; mesh: RegisteredMesh }> {
  const secret = readSecret(text);
  const found = secret?.kind === "fdc" ? await findCodeSecret(tx, secret.id) : undefined;
  if (!secret || !matchesHash(secret.secret, found?.secretHash) || !found) throw invalid();
  const { code } = found;
  const mesh = await meshNamed(tx, code.meshId);
  const isOther = peer !== undefined && peer !== code.meshId;
  if (codeState(code, now) !== "open" || mesh?.membership !== "granted" || isOther) throw invalid();
  return { code, mesh };
}

/** By whom a code's mesh consents: by the code, whoever brings it. */
export const actorOf = ({ codeId }: FederationCode): EventActor => ({
  kind: "federation-code",
  id: codeId,
  source: null,
  requestId: null,
});

/** Spends it with the proposal that it allowed. @throws {Refusal} `federation-code-invalid` when another was quicker */
export async function spendCode(
  work: Work,
  code: FederationCode,
  on: { readonly meshId: MeshId; readonly federationId: string },
): Promise<void> {
  if (!(await markCodeSpent(work.tx, code.codeId, { ...on, at: work.now }))) throw invalid();
  work.record({
    type: "federation-code.spent",
    subjects: [...subjectsOf(code), `federation/${on.federationId}`],
    actingMesh: code.meshId,
    actor: actorOf(code),
    fields: { spentBy: on.meshId, madeBy: code.createdBy },
    before: code,
  });
}

/** @throws {Refusal} `not-found`, `already-ended` */
export async function revokeCode(work: Work, meshId: MeshId, codeId: string): Promise<void> {
  const code = await findCode(work.tx, meshId, codeId);
  if (!code) throw notFound();
  const state = codeState(code, work.now);
  if (code.federationId !== null) {
    const { federationId } = code;
    throw new Refusal("already-ended", `the code is spent, on a federation that stands until you withdraw from it`, {
      extra: { federationId },
    });
  }
  if (state !== "open") throw new Refusal("already-ended", `the code is ${state}`);
  await endCode(work, code, { actingMesh: meshId });
}

/** A mesh that goes takes its codes with it. */
export async function revokeCodesOf(work: Work, meshId: MeshId): Promise<void> {
  for (const code of await openCodesOf(work.tx, meshId, work.now)) await endCode(work, code, {});
}

async function endCode(work: Work, code: FederationCode, by: { readonly actingMesh?: MeshId }): Promise<void> {
  await markCodeRevoked(work.tx, code.codeId, work.now);
  work.record({ type: "federation-code.revoked", subjects: subjectsOf(code), ...by, before: code });
}

/** Says of each code that was open and ended by the clock, after `from` and by `to`, that it did. */
export async function recordExpiredCodes(work: Work, from: EpochMs, to: EpochMs): Promise<void> {
  for (const code of await codesExpiring(work.tx, from, to))
    work.record({
      type: "federation-code.expired",
      subjects: subjectsOf(code),
      fields: { expiresAt: toRfc3339(code.expiresAt) },
    });
}
